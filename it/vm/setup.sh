#!/bin/bash
# setup.sh - takes the kernel of Debian's cloud package out of it once, for the tests in virtual machines, and prints where.
# Goes to ${CORACLE_VM:-~/.cache/coracle/vm}: vmlinux, and the modules in the order in which modules/list has them.
# About 60 MB, 5 s. Nothing is installed.
set -e
dir=${CORACLE_VM:-$HOME/.cache/coracle/vm}
if [ ! -s "$dir/vmlinux" ]; then
  command -v lz4 >/dev/null || { echo "vm/setup.sh: needs lz4 (apt-get install lz4)" >&2; exit 1; }
  work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
  mkdir -p "$dir/modules"
  dpkg-deb -x "$("$(dirname "$0")/package.sh")" "$work/tree"
  # A bzImage holds vmlinux, compressed by LZ4 in its legacy frame (magic 0x184c2102), behind its own code.
  image=$(echo "$work"/tree/boot/vmlinuz-*)
  at=$(LC_ALL=C grep -abo -m 1 -P '\x02\x21\x4c\x18' "$image" | head -n 1 | cut -d: -f1)
  tail -c "+$((at + 1))" "$image" | lz4 -dc > "$dir/vmlinux.new" 2>/dev/null || true # what follows it is no LZ4
  : > "$dir/modules/list"
  for name in virtio_ring virtio virtio_mmio virtio_console virtio_blk failover net_failover virtio_net fuse virtiofs; do
    file=$(find "$work/tree/lib/modules" -name "$name.ko" | head -n 1)
    [ -n "$file" ] || { echo "vm/setup.sh: the kernel has no module $name" >&2; exit 1; }
    cp "$file" "$dir/modules/$name.ko"
    echo "$name.ko" >> "$dir/modules/list"
  done
  mv "$dir/vmlinux.new" "$dir/vmlinux" # last: it is the mark of a whole set
fi
echo "$dir"
