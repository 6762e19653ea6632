#!/bin/bash
# package.sh - downloads Debian's cloud kernel once, for the tests in virtual machines, and prints the package's path.
# Goes to ${CORACLE_VM:-~/.cache/coracle/vm}. About 27 MB. Nothing is installed.
set -e
dir=${CORACLE_VM:-$HOME/.cache/coracle/vm}
mkdir -p "$dir"
deb=$(ls "$dir"/linux-image-*-cloud-*.deb 2>/dev/null | tail -n 1)
if [ -z "$deb" ]; then
  new=$(mktemp -d "$dir/new.XXXXXX"); trap 'rm -rf "$new"' EXIT
  package=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: \(linux-image-.*\)/\1/p' | head -n 1)
  (cd "$new" && apt-get -qq -o APT::Sandbox::User=root download "$package") >&2
  mv "$new"/*.deb "$dir"
  deb=$(ls "$dir"/linux-image-*-cloud-*.deb | tail -n 1)
fi
echo "$deb"
