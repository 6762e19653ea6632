#!/bin/sh
# demo.sh CORACLE: runs a real container from a bundle made here, and shows what happened.
set -eu
coracle=$(realpath "$1")
work=$(mktemp -d /tmp/coracle-demo.XXXXXX)
id=demo-$$
cleanup() {
    "$coracle" --root "$work/state" delete --force "$id" || true
    # The cgroup above the container's, which the bundle names.
    find /sys/fs/cgroup -depth -maxdepth 3 -type d -name "coracle-demo-$$" -exec rmdir {} + 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

mkdir -p "$work/bundle/rootfs/bin" "$work/bundle/rootfs/etc" "$work/bundle/rootfs/proc" \
    "$work/bundle/rootfs/sys" "$work/bundle/rootfs/dev" "$work/bundle/rootfs/tmp"
root=$work/bundle/rootfs
cp "$(command -v busybox)" "$root/bin/busybox"
for applet in sh cat hostname id mount ps sleep; do ln -s busybox "$root/bin/$applet"; done
echo 'root:x:0:0:root:/root:/bin/sh' > "$root/etc/passwd"

cat > "$root/bin/show" <<'END'
#!/bin/sh
echo "I am pid $$, $(id), on host $(hostname)"
echo "all processes that I see:"
ps | sed 's/^/    /'
echo "my mounts:"
mount | cut -c 1-100 | sed 's/^/    /'
limit() { for f in $2; do [ -r "$f" ] && echo "    $1: $(cat "$f")"; done; }
echo "my limits:"
limit "memory (bytes)" "/sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes"
limit "processes" "/sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max"
echo "my namespaces:"
ls -l /proc/self/ns 2>/dev/null | sed -n 's/.* \([a-z]*\) -> \(.*\)/    \2/p'
END
chmod +x "$root/bin/show"
ln -s busybox "$root/bin/sed"; ln -s busybox "$root/bin/cut"; ln -s busybox "$root/bin/ls"

# A limit only where the host has the controller: on a host without, it would be an error.
limits=
has() { grep -qw "$1" /sys/fs/cgroup/cgroup.controllers 2>/dev/null || [ -d "/sys/fs/cgroup/$1" ]; }
has memory && limits='"memory": {"limit": 67108864}'
has pids && limits="${limits:+$limits, }\"pids\": {\"limit\": 32}"

cat > "$work/bundle/config.json" <<END
{
  "ociVersion": "1.3.0",
  "hostname": "coracle",
  "root": {"path": "rootfs", "readonly": true},
  "process": {
    "args": ["/bin/show"],
    "cwd": "/",
    "env": ["PATH=/bin"],
    "noNewPrivileges": true
  },
  "mounts": [
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=64k"]},
    {"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666"]},
    {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
    {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["nosuid", "noexec", "nodev", "ro"]}
  ],
  "linux": {
    "cgroupsPath": "/coracle-demo-$$/$id",
    "resources": {$limits},
    "namespaces": [
      {"type": "pid"}, {"type": "mount"}, {"type": "uts"}, {"type": "ipc"},
      {"type": "network"}, {"type": "cgroup"}, {"type": "time"}
    ],
    "maskedPaths": ["/proc/kcore", "/sys/firmware"],
    "readonlyPaths": ["/proc/sys"]
  }
}
END

now() { date +%s%N; }
since() { echo "$(( ($(now) - $1) / 1000 )) µs (with the shell's own start of a process)"; }

say "\$ coracle create --bundle ... $id"
t=$(now); "$coracle" --root "$work/state" create --bundle "$work/bundle" "$id"; took=$(since "$t")
echo "the container is made, and its process waits: $took"
say "\$ coracle state $id"
"$coracle" --root "$work/state" state "$id"
pid=$("$coracle" --root "$work/state" state "$id" | sed -n 's/.*"pid": \([0-9]*\).*/\1/p')
[ "$pid" -gt 1 ] || { echo "demo: no pid in the state" >&2; exit 1; }
echo "its cgroups, from outside:"; sed 's/^/    /' "/proc/$pid/cgroup"
say "\$ coracle start $id      (what follows is written by the container)"
t=$(now); "$coracle" --root "$work/state" start "$id"; took=$(since "$t")
while [ -e "/proc/$pid" ] && ! grep -q '^State:.*Z' "/proc/$pid/status" 2>/dev/null; do sleep 0.01; done
echo "started: $took"
say "\$ coracle list"
"$coracle" --root "$work/state" list
say "\$ coracle delete $id"
t=$(now); "$coracle" --root "$work/state" delete "$id"; echo "deleted: $(since "$t")"
say "\$ coracle run ... (all of it in one command, exit code 42)"
sed 's|"/bin/show"|"/bin/sh", "-c", "exit 42"|' "$work/bundle/config.json" > "$work/config" && mv "$work/config" "$work/bundle/config.json"
code=0; t=$(now); "$coracle" --root "$work/state" run --bundle "$work/bundle" "$id" || code=$?
echo "exit code $code: $(since "$t")"
[ "$code" = 42 ] || { echo "demo: the exit code is not the workload's" >&2; exit 1; }
echo
"$coracle" --version
ls -l "$coracle" | awk '{print "one static binary of " $5 " bytes"}'
