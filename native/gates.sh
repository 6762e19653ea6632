#!/bin/sh
# gates.sh [BINARY [BUNDLE]]: fails if starting up has become dearer than it was.
# It counts what depends little on the machine: bytes, system calls, and pages that are touched. Needs strace, and root
# for a container. Without BUNDLE one is made that runs true of a static busybox, if there is one; and another as docker
# makes it, with its seccomp profile.
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

gate "size of the binary, bytes" "$(wc -c < "$binary")" 1356000

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
# run BUNDLE: runs it under strace; leaves the number of the runtime's own system calls in $calls.
run() {
    timeout 20 strace -f -o "$work/run" "$binary" --root "$work/state" run -b "$1" "coracle-gates-$$" \
        < /dev/null > "$work/out" 2>&1 || {
        echo "gates.sh: run failed: $(cat "$work/out")" >&2
        exit 1
    }
    # The runtime's own calls: of the child those before its last execve, the workload's.
    workload=$(grep -n 'execve(' "$work/run" | tail -n 1)
    child=$(echo "$workload" | sed 's/^[0-9]*:\([0-9]*\) .*/\1/')
    at=${workload%%:*}
    calls=$(awk -v child="$child" -v at="$at" '/\(/ && !/resumed>/ && !($1 == child && NR > at)' "$work/run" | wc -l)
}

# pages BUNDLE: how many pages planning it touches: memory that is allocated, and code that runs. Prints nothing else.
pages() {
    "$work/pages" "$binary" --root "$work/state" plan -b "$1" 2>&1 > /dev/null || exit 1
}
cat > "$work/pages.c" << 'END'
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int argc, char **argv) {
  (void)argc;
  int status;
  struct rusage usage;
  pid_t pid = vfork();
  if (pid == 0) execv(argv[1], argv + 1), _exit(127);
  if (wait4(pid, &status, 0, &usage) < 0 || status != 0) return 1;
  fprintf(stderr, "%ld\n", usage.ru_minflt);
}
END
gcc -O1 -o "$work/pages" "$work/pages.c" || exit 1

if [ -n "$bundle" ]; then
    hierarchies=$(grep -c ' - cgroup' /proc/self/mountinfo)
    run "$bundle"
    # A few come and go with the order in which runtime and child get to run.
    base=$((415 + 22 * hierarchies))
    gate "system calls of run, with $hierarchies cgroup hierarchies" "$calls" "$base"
    gate "pages touched by plan" "$(pages "$bundle")" 94
    if [ "$bundle" = "$work/bundle" ]; then
        # The same with Docker's profile: read and compiled by the first, found in the cache by the second.
        profile=$top/core/src/test/resources/docker-default-seccomp.json
        sed -i -e '/"linux": *{/r /dev/stdin' "$bundle/config.json" << END
"seccomp":
$(cat "$profile")
,
END
        gate "pages touched by plan with Docker's seccomp profile" "$(pages "$bundle")" 118
        run "$bundle"
        gate "system calls of run with the profile, compiled" "$calls" $((base + 10))
        run "$bundle"
        gate "system calls of run with the profile, cached" "$calls" $((base + 5))
        gate "pages touched by plan with the profile, cached" "$(pages "$bundle")" 100
    fi
else
    echo "gates.sh: to count the system calls of run needs root and busybox, or a BUNDLE" >&2
    failed=1
fi
exit $failed
