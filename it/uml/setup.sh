#!/bin/bash
# setup.sh - fetches User Mode Linux from Debian's sid once, and leaves the machine's own packages alone.
# Goes to ${CORACLE_UML:-~/.cache/coracle/uml}: user-mode-linux and its libc6, unpacked; the kernel program is patched
# to use that libc. About 40 MB, 10 s.
set -e
dir=${CORACLE_UML:-$HOME/.cache/coracle/uml}
[ -x "$dir/linux" ] && exit 0
command -v patchelf >/dev/null || { echo "uml/setup.sh: needs patchelf (apt-get install patchelf)" >&2; exit 1; }
mirror=$(grep -rhoE 'https?://[^ ]+/debian/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null | head -n 1 | tr -d ' ')
: "${mirror:=http://deb.debian.org/debian}"
mkdir -p "$dir"/{lists/partial,archives/partial,parts,libc,kernel}
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror sid main" > "$dir/sources"
apt=(apt-get -qq -o Dir::State::lists="$dir/lists" -o Dir::Cache::archives="$dir/archives" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=
  -o Dir::Etc::sourcelist="$dir/sources" -o Dir::Etc::sourceparts="$dir/parts" -o APT::Sandbox::User=root)
"${apt[@]}" update
(cd "$dir" && "${apt[@]}" download user-mode-linux/sid libc6/sid)
dpkg-deb -x "$dir"/user-mode-linux_*.deb "$dir/kernel"
dpkg-deb -x "$dir"/libc6_*.deb "$dir/libc"
lib=$dir/libc/usr/lib/x86_64-linux-gnu
cp "$dir/kernel/usr/bin/linux.uml" "$dir/linux.new"
patchelf --set-interpreter "$lib/ld-linux-x86-64.so.2" --set-rpath "$lib" "$dir/linux.new"
"$dir/linux.new" --version
mv "$dir/linux.new" "$dir/linux" # last: it is the mark of a whole set
rm -rf "$dir"/*.deb "$dir/lists" "$dir/archives"
