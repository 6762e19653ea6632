#!/bin/sh
# hot.sh: writes src/main/c/hot.txt, the functions that the usual life of a container runs. build-binary.sh makes all others
# small and puts them apart, so that few pages of the binary are read, and counted as memory. Run it after larger changes, or
# when native/gates.sh finds more pages touched; a name that is missing costs speed and nothing else.
# Needs root, busybox, and what TeaVM wrote (make build).
set -eu
native=$(cd "$(dirname "$0")" && pwd)
top=$(dirname "$native")
[ "$(id -u)" = 0 ] || { echo "hot.sh: must be root" >&2; exit 1; }
work=$(mktemp -d "${TMPDIR:-/tmp}/coracle-hot.XXXXXX")
trap 'rm -rf "$work"' EXIT
truncate -s 4M "$work/trace"
CORACLE_CFLAGS="-finstrument-functions -DCORACLE_TRACE=\"$work/trace\"" CORACLE_BINARY="$work/traced" "$native/build-binary.sh"

mkdir -p "$work/rootfs/bin" "$work/rootfs/etc" "$work/spec" "$work/docker"
cp "$(command -v busybox)" "$work/rootfs/bin/busybox"
ln -s busybox "$work/rootfs/bin/sleep"
echo > "$work/hosts"
(cd "$work/spec" && "$work/traced" spec)
sed -i -e 's/"terminal": *true/"terminal": false/' -e 's/"sh"/"sleep", "100"/' -e "s|\"rootfs\"|\"$work/rootfs\"|" "$work/spec/config.json"
process='"user": {"uid": 0, "gid": 0, "additionalGids": [0, 10]}, "args": ["sleep", "100"], "cwd": "/",
    "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOSTNAME=b5d2a6f2f8c1"],
    "capabilities": {"bounding": ["CAP_CHOWN", "CAP_KILL"], "effective": ["CAP_CHOWN", "CAP_KILL"],
      "permitted": ["CAP_CHOWN", "CAP_KILL"]},
    "oomScoreAdj": 0, "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}]'
echo "{$process}" > "$work/process.json"
# mount DESTINATION TYPE SOURCE OPTIONS
mount() { printf '{"destination": "%s", "type": "%s", "source": "%s", "options": [%s]}' "$1" "$2" "$3" "$4"; }
cat > "$work/docker/config.json" << END
{"ociVersion": "1.0.2-dev", "process": {$process}, "root": {"path": "$work/rootfs"}, "hostname": "b5d2a6f2f8c1",
 "mounts": [$(mount /proc proc proc '"nosuid", "noexec", "nodev"'),
  $(mount /dev tmpfs tmpfs '"nosuid", "strictatime", "mode=755", "size=65536k"'),
  $(mount /dev/pts devpts devpts '"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"'),
  $(mount /sys sysfs sysfs '"nosuid", "noexec", "nodev", "ro"'),
  $(mount /sys/fs/cgroup cgroup cgroup '"ro", "nosuid", "noexec", "nodev"'),
  $(mount /dev/mqueue mqueue mqueue '"nosuid", "noexec", "nodev"'),
  $(mount /etc/hosts bind "$work/hosts" '"rbind", "rprivate"')],
 "linux": {"resources": {"devices": [{"allow": false, "access": "rwm"},
    {"allow": true, "type": "c", "major": 1, "minor": 3, "access": "rwm"}], "pids": {"limit": 100}},
  "namespaces": [{"type": "mount"}, {"type": "network"}, {"type": "uts"}, {"type": "pid"}, {"type": "ipc"},
    {"type": "cgroup"}],
  "maskedPaths": ["/proc/acpi", "/proc/kcore", "/sys/firmware"], "readonlyPaths": ["/proc/bus", "/proc/sys"],
  "seccomp": $(cat "$top/core/src/test/resources/docker-default-seccomp.json")}}
END

# life BUNDLE: what engines do with a container.
cat > "$work/life" << 'END'
set -eu
work=$1 id=coracle-hot-$$
for bundle in spec docker docker; do
    oci() { "$work/traced" --root "$work/state" "$@"; }
    oci create --bundle "$work/$bundle" --pid-file "$work/pid" "$id"
    oci state "$id" > /dev/null
    oci start "$id"
    oci exec --process "$work/process.json" --detach --pid-file "$work/pid" "$id"
    oci exec "$id" busybox true
    oci state "$id" > /dev/null
    oci list > /dev/null
    oci kill "$id" KILL
    while ! oci state "$id" | grep -q '"stopped"'; do sleep 0.05; done
    oci delete "$id"
    sed 's/"sleep", *"100"/"sleep", "0"/' "$work/$bundle/config.json" > "$work/once"
    mkdir -p "$work/once.d"
    cp "$work/once" "$work/once.d/config.json"
    oci run --bundle "$work/once.d" "$id" < /dev/null
done
"$work/traced" --version > /dev/null
END
sh "$work/life" "$work" < /dev/null
unshare -m sh -c 'mount -t tmpfs none /sys/fs/cgroup && mkdir /sys/fs/cgroup/unified && umount /sys/fs/cgroup &&
    mount -t cgroup2 none /sys/fs/cgroup && sed -i "s/\"pids\": {\"limit\": 100}/\"cpu\": {}/" "$1/docker/config.json" &&
    exec sh "$1/life" "$1"' sh "$work" < /dev/null

# Addresses that were entered, from 0x400000 on (mawk knows no hexadecimal numbers), as names.
od -An -v -w1 -tx1 "$work/trace" | awk '$1 == "01" { printf "%016x\n", 4194304 + NR - 1 }' > "$work/entered"
nm "$work/traced" | awk 'NR == FNR { entered[$1]; next } $2 ~ /[tT]/ && $1 in entered { sub(/\..*/, "", $3); print $3 }' \
    "$work/entered" - | LC_ALL=C sort -u > "$native/src/main/c/hot.txt"
wc -l "$native/src/main/c/hot.txt"
