#!/bin/bash
# run.sh RUNTIME VIEW... [-- CLASS...] - runs the integration tests against a runtime in views of the cgroups:
#   v1      a private mount namespace without /sys/fs/cgroup/unified
#   hybrid  the host as it is booted (crun refuses this layout)
#   v2      a private mount namespace with cgroup2 at /sys/fs/cgroup; no controllers but those that v1 does not hold
#   uml     User Mode Linux: cgroup v2 with its controllers, all capabilities (uml/setup.sh fetches it once)
#   systemd systemd-v1 systemd-hybrid
#           User Mode Linux with systemd as its first process, and cgroups as told: the tests of --systemd-cgroup
#   engine  under dockerd and podman of this host
#   vm      virtual machines, emulated: the agent, and dockerd (vm/package.sh fetches a kernel once)
# CLASS is a test class such as HostnameIT; all of them without. DETAILS=tree|summary|... is how much is told.
# The exit status is 0 only if all tests of all views pass. Reports (XML) are in it/target/views/VIEW.
set -u
here=$(cd "$(dirname "$0")" && pwd)
usage() { sed -n '2,12s/^# \{0,1\}//p' "$0" >&2; exit 2; }
[ $# -ge 2 ] || usage
runtime=$(realpath "$1") || exit 2; shift
[ -x "$runtime" ] || { echo "run.sh: $runtime is no program" >&2; exit 2; }
[ "$(id -u)" = 0 ] || { echo "run.sh: must be root" >&2; exit 1; }
views=(); while [ $# -gt 0 ] && [ "$1" != -- ]; do views+=("$1"); shift; done; [ $# -gt 0 ] && shift
for v in "${views[@]}"; do case $v in v1|hybrid|v2|uml|systemd|systemd-v1|systemd-hybrid|engine|vm) ;; *) usage;; esac; done

java=${JAVA_HOME:+$JAVA_HOME/bin/}java out=$here/target/views
cp=$here/target/classpath
if [ -z "${NO_BUILD:-}" ]; then
  (cd "$here/.." && mvn -q -B -ntp -pl it -am test-compile dependency:build-classpath -Dmdep.outputFile="$cp" -Dmdep.includeScope=test) || exit 1
fi
mkdir -p "$out"
for program in probe inject; do
  gcc -static -O1 -Wall -o "$out/$program" "$here/src/test/resources/dev/coracle/it/harness/$program.c" || exit 1
done

# A copy, so that a build meanwhile does not change what runs.
classes=$(mktemp -d "$out/classes.XXXXXX"); trap 'finish' EXIT
cp -r "$here/target/test-classes/." "$classes"

# Ends what is still running beside: of an interrupted run.
finish() { [ -z "${beside:-}" ] || end "$beside"; rm -rf "$classes"; }
end() { for child in $(pgrep -P "$1"); do end "$child"; done; kill "$1" 2> /dev/null; }

select=(); for c; do select+=(--select-class "dev.coracle.it.$c"); done
# About half of the view vm, by time: the other half is what is not named here. A machine has one processor.
half='.*\.(DockerVmIT|PodmanVmIT|ContainerdVmIT|VmWorkloadsIT)'
# suite VIEW PART [JAVA OPTION...]: prints the command that runs the suite, or one half of it.
suite() {
  local view=$1 part=$2 with=() tag=(--exclude-tag engine --exclude-tag systemd --exclude-tag vm) what=("${select[@]}"); shift 2
  case $view in
    engine) tag=(--include-tag engine) ;;
    vm) tag=(--include-tag vm) with=(-Dcoracle.it.vm="$kernel" -Dcoracle.it.kernel="$package") ;;
    systemd) tag=(--include-tag 'systemd & !v1') ;;
    systemd-*) tag=(--include-tag 'systemd & v1') ;;
  esac
  [ ${#what[@]} -gt 0 ] || what=(--select-package dev.coracle.it --include-classname '.*IT$')
  case $part in
    1) what=(--select-package dev.coracle.it --include-classname "$half") ;;
    2) what+=(--exclude-classname "$half") ;;
  esac
  # criu does not work in User Mode Linux.
  case $view in v1|hybrid|v2|engine) with=(-Dcoracle.it.criu="$criu") ;; esac
  printf '%q ' "$java" --enable-native-access=ALL-UNNAMED -XX:+UseSerialGC -XX:TieredStopAtLevel=1 "$@" \
    -Dcoracle.runtime="$runtime" -Dcoracle.it.probe="$out/probe" -Dcoracle.it.inject="$out/inject" "${with[@]}" -cp "$classes:$(cat "$cp")" \
    org.junit.platform.console.ConsoleLauncher execute --disable-banner --fail-if-no-tests --details="${DETAILS:-summary}" \
    --reports-dir="$out/$view/$part" "${tag[@]}" "${what[@]}"
}
kernel= package=
for v in "${views[@]}"; do
  case $v in vm) package=$("$here/vm/package.sh") && kernel=$("$here/vm/setup.sh") || exit 1 ;; esac
done
criu=; for v in "${views[@]}"; do case $v in v1|hybrid|v2|engine) criu=$("$here/criu/setup.sh") || exit 1;; esac; done
# run VIEW: runs it and says how it went.
run() {
  local view=$1 begin status=0; begin=$(date +%s)
  echo "=== $(basename "$runtime"), $view"
  rm -rf "${out:?}/$view"
  case $view in
    hybrid|engine) bash -c "$(suite "$view" "")" ;;
    vm) if [ "$processors" -gt 1 ] && [ ${#select[@]} -eq 0 ]; then halves; else bash -c "$(suite vm "")"; fi ;;
    v1) unshare -m --propagation private bash -c "umount /sys/fs/cgroup/unified 2>/dev/null; exec $(suite v1 "")" ;;
    v2) unshare -m --propagation private bash -c \
          "umount -l /sys/fs/cgroup && mount -t cgroup2 -o rw,nosuid,nodev,noexec,relatime cgroup2 /sys/fs/cgroup || exit 125; exec $(suite v2 "")" ;;
    uml|systemd*)
      case $view in uml) unset SYSTEMD ;; systemd) export SYSTEMD=v2 ;; *) export SYSTEMD=${view#systemd-} ;; esac
      "$here/uml/setup.sh" && UML_OUT=$out "$here/uml/run.sh" bash -c \
          "exec $(suite "$view" "" -Djava.io.tmpdir=/var/tmp -Dcoracle.it.patienceSeconds=60 -Dcoracle.it.faultsOneIn=6)" ;;
  esac || { status=1; echo "=== $view: FAILED" >&2; }
  echo "=== $view: $(($(date +%s) - begin)) s"
  return $status
}
# The view vm in two processes, at once.
halves() {
  local status=0
  bash -c "$(suite vm 1)" > "$classes/half" 2>&1 & beside=$!
  bash -c "$(suite vm 2)" || status=1
  wait "$beside" || status=1
  beside=
  cat "$classes/half"
  return $status
}
runs() { local view status=0; for view; do run "$view" || status=1; done; return $status; }

processors=$(nproc) failed=0
runs "${views[@]}" || failed=1
exit $failed
