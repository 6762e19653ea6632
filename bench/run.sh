#!/bin/sh
# bench/run.sh [CORACLE] [OPTION...] - measures Coracle beside crun, runc and the C floor.
# Compiles the C into target/bench and runs the Java main; README.md says what is measured and how.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
top=$(dirname "$here")
tools=$top/target/bench

if [ "$(id -u)" != 0 ]; then
  echo "bench: needs root: it makes containers, cgroups and mount namespaces (try: sudo make bench)" >&2
  exit 1
fi
for program in musl-gcc mvn; do
  command -v "$program" >/dev/null || {
    echo "bench: $program is missing (Debian: musl-tools, maven)" >&2
    exit 1
  }
done
if [ -z "${JAVA_HOME:-}" ] && [ -d /usr/lib/jvm/temurin-25-jdk-amd64 ]; then
  export JAVA_HOME=/usr/lib/jvm/temurin-25-jdk-amd64
fi
java=${JAVA_HOME:+$JAVA_HOME/bin/}java

mkdir -p "$tools"
# musl has no kernel headers of its own; after its own headers the system's cannot be in the way.
for name in floor lap nothing calls; do
  musl-gcc -O2 -static -Wall -Wextra -Werror -idirafter /usr/include \
    -idirafter "/usr/include/$(gcc -print-multiarch)" \
    "$here/src/main/c/$name.c" -o "$tools/$name"
done

# Only with the headers of Debian's libseccomp-dev; without them the bench says what it could not measure.
if [ -e /usr/include/seccomp.h ]; then
  gcc -O2 -Wall -Wextra -Werror "$here/src/main/c/libseccomp.c" -lseccomp -o "$tools/libseccomp"
fi

# What it boots is made here, so that nobody has to wait for that within the measurement.
like=
for option; do
  if [ "$option" = --runcvm-like ]; then
    like=$("$here/runcvm-like.sh")
  fi
done

# Without QEMU or the kernel the bench says what it could not measure.
kernel=
if command -v qemu-system-x86_64 >/dev/null; then
  kernel=$("$top/it/vm/package.sh" 2>/dev/null) || kernel=
fi

# The unit tests belong to `make check`, not here.
mvn -q -B -ntp -f "$top/pom.xml" -pl bench -DskipTests compile \
  dependency:build-classpath -Dmdep.outputFile="$tools/classpath" -Dmdep.includeScope=runtime

# A relative binary is relative to where the caller stands, so no cd.
exec "$java" -Djava.awt.headless=true -Dbench.top="$top" -Dbench.kernel="$kernel" -Dbench.runcvm="$like" \
  -cp "$here/target/classes:$(cat "$tools/classpath")" dev.coracle.bench.Bench "$@"
