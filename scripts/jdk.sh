#!/bin/sh
# jdk.sh: prints the home of a JDK 25 or newer: JAVA_HOME where it is one, else one of /usr/lib/jvm.
set -eu
for home in ${JAVA_HOME:+"$JAVA_HOME"} /usr/lib/jvm/*; do
    [ -x "$home/bin/javac" ] || continue
    version=$("$home/bin/javac" -version 2>&1 | sed -n 's/^javac \([0-9]*\).*/\1/p')
    if [ "${version:-0}" -ge 25 ]; then
        echo "$home"
        exit 0
    fi
done
echo "coracle: there is no JDK 25 in JAVA_HOME or under /usr/lib/jvm; install one (Temurin's, for example) and try again" >&2
exit 1
