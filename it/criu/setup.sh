#!/bin/bash
# setup.sh - fetches criu from Debian's sid once, and leaves the machine's own packages alone: that of Debian 12 (3.17)
# does not know the vdso of kernels since 6.13. Prints the folder with the program `criu`, to be put into PATH.
# Goes to ${CORACLE_CRIU:-~/.cache/coracle/criu}: criu and the libraries that it needs, unpacked, patched to use these.
# About 60 MB, 10 s.
set -e
dir=${CORACLE_CRIU:-$HOME/.cache/coracle/criu}
[ -x "$dir/bin/criu" ] && { echo "$dir/bin"; exit 0; }
command -v patchelf >/dev/null || { echo "criu/setup.sh: needs patchelf (apt-get install patchelf)" >&2; exit 1; }
mirror=$(grep -rhoE 'https?://[^ ]+/debian/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null | head -n 1 | tr -d ' ')
: "${mirror:=http://deb.debian.org/debian}"
mkdir -p "$dir"/{lists/partial,archives/partial,parts,root,bin}
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror sid main" > "$dir/sources"
: > "$dir/status" # nothing is installed: so all that criu needs is told
apt=(apt-get -qq -o Dir::State::lists="$dir/lists" -o Dir::State::status="$dir/status" -o Dir::Cache::archives="$dir/archives"
  -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o Dir::Etc::sourcelist="$dir/sources" -o Dir::Etc::sourceparts="$dir/parts"
  -o APT::Sandbox::User=root)
"${apt[@]}" update >&2
# Only libraries: no interpreter, no tools.
packages=$("${apt[@]}" -s --no-install-recommends install criu | sed -n 's/^Inst \([^ ]*\) .*/\1/p' | grep -E '^(criu|lib)')
# shellcheck disable=SC2086
(cd "$dir" && "${apt[@]}" download $packages) >&2
for deb in "$dir"/*.deb; do dpkg-deb -x "$deb" "$dir/root"; done
lib=$dir/root/usr/lib/x86_64-linux-gnu
cp "$(ls "$dir"/root/usr/sbin/criu "$dir"/root/sbin/criu 2>/dev/null | head -n 1)" "$dir/bin/criu.new"
# An RPATH holds for the libraries of libraries too, a RUNPATH does not.
patchelf --force-rpath --set-interpreter "$lib/ld-linux-x86-64.so.2" --set-rpath "$lib" "$dir/bin/criu.new"
"$dir/bin/criu.new" --version >&2
mv "$dir/bin/criu.new" "$dir/bin/criu" # last: it is the mark of a whole set
rm -rf "$dir"/*.deb "$dir/lists" "$dir/archives"
echo "$dir/bin"
