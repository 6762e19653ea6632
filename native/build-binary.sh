#!/bin/sh
# build-binary.sh: the C that TeaVM wrote (native/target/c) becomes one static binary (target/coracle).
# musl, because static glibc runs some 80 cpuid instructions before main, each of which traps in a
# virtual machine. Compiled inside the folder: with -I its string.h would stand before libc's.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$top/target"
cd "$top/native/target/c"
musl-gcc -std=gnu11 -O2 -static -no-pie -fno-pie -s -w \
    -fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections -Wl,--gc-sections \
    -iquote "$top/native/src/main/c" \
    ${CORACLE_CFLAGS:-} all.c -lm -o "$top/target/coracle"
