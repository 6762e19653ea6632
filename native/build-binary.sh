#!/bin/sh
# build-binary.sh: the C that TeaVM wrote (native/target/c) becomes one static binary (target/coracle).
# musl, because static glibc runs some 80 cpuid instructions before main, each of which traps in a
# virtual machine. Compiled inside the folder: with -I its string.h would stand before libc's.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$top/target"
cd "$top/native/target/c"

# all.c is one #include a line. Two of them are replaced: see start-up.h.
sed -e 's|^#include "strings.c"$|#include "start-up.h"\
#define teavm_registerString coracle_register_string\
#include "strings.c"\
#undef teavm_registerString|' \
    -e '/^#include "fiber.c"$/d' all.c > binary.c
grep -q '^#include "start-up.h"$' binary.c && ! grep -q '^#include "fiber.c"$' binary.c || {
    echo "build-binary.sh: TeaVM's all.c has not the shape that is expected" >&2
    exit 1
}
commit=$(git -C "$top" rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
musl-gcc -std=gnu11 -DCORACLE_COMMIT="\"$commit\"" -O2 -static -no-pie -fno-pie -s -w \
    -fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections -Wl,--gc-sections \
    -iquote "$top/native/src/main/c" \
    ${CORACLE_CFLAGS:-} binary.c -lm -o "$top/target/coracle"
