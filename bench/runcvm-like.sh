#!/bin/bash
# runcvm-like.sh - prepares what `bench/run.sh --runcvm-like` boots, and prints the directory it is in: a guest that
# starts as RunCVM's do. `vmlinuz` and `initrd` are Debian's kernel and what initramfs-tools makes for it with RunCVM's two
# modules; `root` has bash, which is the first process, makes an RSA key (RunCVM's `exec` needs one), and says "up".
#
# Goes to ${CORACLE_VM:-~/.cache/coracle/vm}/runcvm-like: 75 MB of Debian's packages, which are not installed, and 50 MB
# that are made of them in a minute or two, anew whenever this script or a program that goes into them is another one.
set -euo pipefail
die() { echo "runcvm-like.sh: $*" >&2; exit 1; }

# build WORK: in a mount namespace of its own, so that nothing stays mounted.
build() {
  local work=$1 there directory package release
  mkdir "$work/root" "$work/tree"
  # On a tmpfs: a directory of an overlay may itself not be where one can be above another.
  mount -t tmpfs tmpfs "$work/tree"
  mkdir "$work"/tree/{unpacked,changed,overlay,whole}
  for package in "$packages"/*.deb; do dpkg-deb -x "$package" "$work/tree/unpacked"; done
  # Debian's directories of programs are one: what is in /lib belongs to /usr/lib.
  for directory in bin lib sbin; do
    there=$work/tree/unpacked/$directory
    [ -d "$there" ] || continue
    mkdir -p "$work/tree/unpacked/usr/$directory"
    cp -a "$there/." "$work/tree/unpacked/usr/$directory/"
    rm -r "$there"
  done
  mount -t overlay overlay \
    -o "lowerdir=$work/tree/unpacked:/,upperdir=$work/tree/changed,workdir=$work/tree/overlay" "$work/tree/whole"
  mount -t proc proc "$work/tree/whole/proc"
  mount --rbind /dev "$work/tree/whole/dev"
  mount -t tmpfs tmpfs "$work/tree/whole/tmp"
  mount -t tmpfs tmpfs "$work/tree/whole/var/tmp"
  release=$(ls "$work/tree/unpacked/usr/lib/modules")
  printf 'virtiofs\nvirtio_console\n' >> "$work/tree/whole/etc/initramfs-tools/modules"
  chroot "$work/tree/whole" depmod -a "$release"
  chroot "$work/tree/whole" mkinitramfs -o /initrd "$release" > "$work/log" 2>&1 || die "mkinitramfs failed: $(cat "$work/log")"
  cp "$work/tree/whole/initrd" "$work/initrd"
  cp "$work/tree/whole/boot/vmlinuz-$release" "$work/vmlinuz"
  root "$work/root"
}

# root DIRECTORY: a root of few programs, with what they are linked to.
root() {
  local program file
  mkdir -p "$1"/{bin,dev,etc,proc,run,sys,tmp}
  ln -s . "$1/usr"
  echo 'root:x:0:0:root:/:/bin/bash' > "$1/etc/passwd"
  for program in bash mount ssh-keygen sleep; do
    program=$(command -v "$program")
    cp -L "$program" "$1/bin/"
    ldd "$program" | grep -o '/[^ ]*' | while read -r file; do
      mkdir -p "$1/$(dirname "$file")"
      cp -L "$file" "$1/$file"
    done
  done
  cat > "$1/first" << 'FIRST'
#!/bin/bash
mount -t tmpfs tmpfs /run
ssh-keygen -q -t rsa -b 2048 -N '' -f /run/key
echo up > /dev/hvc0
sleep 1000
FIRST
  chmod 755 "$1/first"
}

[ "$(id -u)" = 0 ] || die "needs root: it mounts an overlay of / in a namespace of its own"
missing=
for program in apt-get apt-cache dpkg-deb dpkg-query depmod ssh-keygen unshare ldd; do
  command -v "$program" > /dev/null || missing+=" $program"
done
[ -z "$missing" ] || die "missing:$missing"
base=${CORACLE_VM:-$HOME/.cache/coracle/vm}/runcvm-like
packages=$base/packages
if [ "${1:-}" = build ]; then
  build "$2"
  exit
fi

mkdir -p "$base"
exec 9> "$base/lock"
flock 9
new=
trap 'rm -rf --one-file-system "${new:-$base/none}"' EXIT
if [ ! -d "$packages" ]; then
  new=$(mktemp -d "$base/new.XXXXXX")
  kernel=$(apt-cache depends linux-image-amd64 | sed -n 's/.*Depends: \(linux-image-.*\)/\1/p' | head -n 1)
  [ -n "$kernel" ] || die "apt knows no linux-image-amd64"
  (cd "$new" && apt-get -qq -o APT::Sandbox::User=root download \
    cpio initramfs-tools initramfs-tools-core klibc-utils libklibc udev "$kernel") >&2 || die "Debian's packages cannot be fetched"
  mv "$new" "$packages"
fi
key=$({ sha256sum < "$0"; ls "$packages"; dpkg-query -W bash busybox-static kmod libc6 mount openssh-client 2>&1; } | sha256sum)
if [ "$(cat "$base/made/key" 2> /dev/null)" != "$key" ]; then
  new=$(mktemp -d "$base/new.XXXXXX")
  unshare -m --propagation private "$BASH" "$0" build "$new" >&2
  echo "$key" > "$new/key"
  rm -rf "$base/made"
  mv "$new" "$base/made"
fi
echo "$base/made"
