#!/bin/sh
# gates.sh [BINARY [BUNDLE]]: fails if starting up has become dearer than it was.
# It counts what depends little on the machine: bytes and system calls. Needs strace, and root
# for a container. Without BUNDLE one is made that runs true of a static busybox, if there is one.
# A limit stands a little above what was measured (docs/decisions/0002-start-up.md): raise it on purpose only.
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
binary=$(realpath "${1:-$top/target/coracle}") || exit 2
bundle=${2:-}
failed=0
work=$(mktemp -d "${TMPDIR:-/tmp}/coracle-gates.XXXXXX") || exit 2
trap 'rm -rf "$work"' EXIT
command -v strace > /dev/null || { echo "gates.sh: strace is missing" >&2; exit 2; }

# gate WHAT MEASURED LIMIT
gate() {
    if [ "$2" -le "$3" ]; then
        printf 'ok      %-52s %8d of %d\n' "$1" "$2" "$3"
    else
        printf 'FAILED  %-52s %8d of %d\n' "$1" "$2" "$3"
        failed=1
    fi
}

gate "size of the binary, bytes" "$(wc -c < "$binary")" 767600

strace -f -o "$work/version" "$binary" --version > /dev/null || { echo "gates.sh: --version failed" >&2; exit 1; }
gate "system calls of --version" "$(grep -c "(" "$work/version")" 4

# A container: system calls of everything until the workload is executed, and its own end.
busybox=$(command -v busybox) || busybox=/bin/busybox
if [ -z "$bundle" ] && [ -x "$busybox" ] && [ "$(id -u)" = 0 ]; then
    bundle=$work/bundle
    mkdir -p "$bundle/rootfs/bin" "$bundle/rootfs/proc" "$bundle/rootfs/dev" "$bundle/rootfs/sys"
    cp "$busybox" "$bundle/rootfs/bin/true"
    (cd "$bundle" && "$binary" spec) || exit 1
    sed -i -e 's/"terminal": *true/"terminal": false/' -e 's/"sh"/"true"/' "$bundle/config.json"
fi
if [ -n "$bundle" ]; then
    timeout 20 strace -f -o "$work/run" "$binary" --root "$work/state" run -b "$bundle" "coracle-gates-$$" \
        < /dev/null > "$work/out" 2>&1 || {
        echo "gates.sh: run failed: $(cat "$work/out")" >&2
        exit 1
    }
    # The runtime's own calls: of the child those before its last execve, the workload's.
    workload=$(grep -n 'execve(' "$work/run" | tail -n 1)
    child=$(echo "$workload" | sed 's/^[0-9]*:\([0-9]*\) .*/\1/')
    at=${workload%%:*}
    calls=$(awk -v child="$child" -v at="$at" '/\(/ && !/resumed>/ && !($1 == child && NR > at)' "$work/run" | wc -l)
    hierarchies=$(grep -c ' - cgroup' /proc/self/mountinfo)
    gate "system calls of run, with $hierarchies cgroup hierarchies" "$calls" $((352 + 22 * hierarchies))
else
    echo "gates.sh: to count the system calls of run needs root and busybox, or a BUNDLE" >&2
    failed=1
fi
exit $failed
