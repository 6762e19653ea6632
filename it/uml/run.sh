#!/bin/bash
# run.sh CMD [ARG...] - runs a command as root in a User Mode Linux guest; the exit status is the command's.
# The host's / is the guest's, read-only, under an overlay of tmpfs; $UML_OUT (a folder) is shared read-write.
# Env: SYSTEMD=v2, hybrid or v1 for systemd as the first process with this layout of cgroups, MEMORY (3G), TIME_LIMIT in seconds (1200), CORACLE_UML as in setup.sh.
set -e
here=$(cd "$(dirname "$0")" && pwd)
dir=${CORACLE_UML:-$HOME/.cache/coracle/uml}
work=$(mktemp -d "${UML_OUT:-/tmp}/guest.XXXXXX"); trap 'rm -rf "$work"' EXIT
{ printf 'cd %q\nexport PATH=%q HOME=/root\n' "$PWD" "$PATH"; printf '%q ' "$@"; echo; } > "$work/command"
modules=$(ls -d "$dir"/kernel/usr/lib/uml/modules/* | head -n 1)
case ${SYSTEMD:-} in
  "") systemd= ;;
  v2) systemd="IT_SYSTEMD=1 selinux=0" ;;
  hybrid) systemd="IT_SYSTEMD=1 selinux=0 systemd.unified_cgroup_hierarchy=0" ;;
  v1) systemd="IT_SYSTEMD=1 selinux=0 systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=1" ;;
  *) echo "uml/run.sh: SYSTEMD must be v2, hybrid or v1" >&2; exit 2 ;;
esac
# seccomp=on is the fast way to trap system calls; one CPU, because two are slower.
timeout -k 5 "${TIME_LIMIT:-1200}" "$dir/linux" mem="${MEMORY:-3G}" umid="coracle$$" seccomp=on \
  root=/dev/root rootfstype=hostfs rootflags=/ ro init="$here/init.sh" IT_WORK="$work" IT_OUT="${UML_OUT:-$work}" IT_MODULES="$modules" \
  $systemd con=null con0=null,fd:1 ssl=null quiet loglevel=3 panic=-1 < /dev/null 2> "$work/errors" || true
[ -s "$work/status" ] || { cat "$work/errors" >&2; echo "uml/run.sh: the guest ended without a status" >&2; exit 125; }
exit "$(cat "$work/status")"
