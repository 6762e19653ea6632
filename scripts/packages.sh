#!/bin/sh
# packages.sh build|test: installs what is missing from Debian's packages.
#   build  the compiler to C's companions and what the demo runs
#   test   the peers, engines and tools that the tests use as well
set -eu

missing=
need() { # COMMAND PACKAGE
    command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || [ -x "/sbin/$1" ] || missing="$missing $2"
}
need musl-gcc musl-tools
need gcc gcc
need mvn maven
need busybox busybox-static
if [ "${1:-build}" = test ]; then
    need strace strace
    [ -e /usr/include/seccomp.h ] || missing="$missing libseccomp-dev"
    need runc runc
    need crun crun
    need dockerd docker.io
    need containerd containerd
    need podman podman
    need conmon conmon
    need ip iproute2
    need iptables iptables
    need patchelf patchelf
    need script bsdutils
    need python3 python3
    need ps procps
    need unshare util-linux
    need systemd-run systemd
    need dbus-daemon dbus
    need newuidmap uidmap
    need qemu-system-x86_64 qemu-system-x86
    [ -e /usr/lib/qemu/virtiofsd ] || missing="$missing qemu-system-common"
    [ -e /usr/share/qemu/qboot.rom ] || missing="$missing qemu-system-data"
    need lz4 lz4
    need mkfs.ext4 e2fsprogs
    need depmod kmod
    need losetup mount
fi
[ -z "$missing" ] && exit 0

if [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo >/dev/null 2>&1; then
    as_root=sudo
else
    echo "coracle: these packages are missing, and installing them needs root:$missing" >&2
    exit 1
fi
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq
# shellcheck disable=SC2086
$as_root apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=600 $missing >/dev/null
