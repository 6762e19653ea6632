#!/bin/sh
# as-root.sh WHAT COMMAND...: runs a command as root, by sudo where there is one, or says that it cannot.
set -eu
what=$1
shift
if [ "$(id -u)" = 0 ]; then
    exec "$@"
elif command -v sudo >/dev/null 2>&1; then
    exec sudo --preserve-env=JAVA_HOME,CI "$@"
fi
echo "coracle: $what needs root: it makes namespaces, mounts and cgroups; run it as root or install sudo" >&2
exit 1
