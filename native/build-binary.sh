#!/bin/sh
# build-binary.sh: the C that TeaVM wrote (native/target/c) becomes one static binary (target/coracle, or CORACLE_BINARY).
# CORACLE_CFLAGS, if given, stands in the place of -s, which leaves out the names.
# musl, because static glibc runs some 80 cpuid instructions before main, each of which traps in a
# virtual machine.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
written=$top/native/target/c
small=$top/native/target/small
binary=${CORACLE_BINARY:-$top/target/coracle}
fail() {
    echo "build-binary.sh: $*; was TeaVM updated? See native/src/main/c/start-up.h" >&2
    exit 1
}

# The generated code, rewritten into a folder of its own: see rewrite.awk.
rm -rf "$small"
mkdir -p "$top/target"
cp -r "$written" "$small"
cd "$written"
counts=$(find . -name '*.c' ! -path ./all.c | sed 's|^\./||' |
    xargs awk -v out="$small" -v hot="$top/native/src/main/c/hot.txt" -f "$top/native/src/main/awk/rewrite.awk")
sites=$(grep -c 'exceptionHandlers_teavm_callSites + ' callsites.c) || true
strings=$(grep -c ' // string #[0-9]*$' strings.c) || true
catching=$(find . -name '*.c' -exec awk '/^}/ { catches = 0 } /^ *TEAVM_TRY$/ && !catches++ { n++ } END { print n + 0 }' {} +)
classes=$(find . -name '*.c' -exec cat {} + | grep -c 'cls->flags |= INT32_C(1);$') || true
initialised=$(find . -name '*.c' ! -path './all.c' -exec cat {} + | grep -o 'teavm_initializeClass(' | wc -l) || true
arrays=$(find . -name '*.c' ! -path './all.c' -exec cat {} + | grep -o 'teavm_getArrayClass((TeaVM_Class\*) &[A-Za-z0-9_]*_Cls)' | wc -l) || true
case "$sites $strings $catching $classes $initialised $arrays" in
"0 "* | *" 0 "* | *" 0") fail "nothing of a kind that is rewritten: $sites $strings $catching $classes $initialised $arrays" ;;
esac
test "$counts" = "$sites $strings $catching $classes $initialised $arrays" ||
    fail "call sites, strings, functions that catch, classes that are initialised, places that ask for it, classes of arrays:
found $sites $strings $catching $classes $initialised $arrays, rewrote $counts"

# Static fields start as zeros. start-up.c leaves out the code that says so, and must not miss other values.
grep -o '^    sysinitclass_[A-Za-z0-9_]*' main.c | sort > "$small/initialised.txt"
find . -name '*.c' -exec awk '
    /^void sysinitclass_/ { name = $2; sub(/\(.*/, "", name) }
    /^}/ { name = "" }
    name != "" && / = / && !/ = (NULL|0|INT32_C\(0\)|INT64_C\(0\)|0\.0f?);$/ { print "    " name }' {} + |
    sort -u > "$small/other.txt"
test -z "$(comm -12 "$small/initialised.txt" "$small/other.txt")" ||
    fail "static fields with a value: $(comm -12 "$small/initialised.txt" "$small/other.txt")"

# all.c is one #include a line. Compiled inside the folder: with -I its string.h would stand before libc's.
cd "$small"
runtime='fiber heapdump heaptrace log main memory arrayclass stringhash strings virtcall
    classes/org/teavm/runtime/GC classes/org/teavm/runtime/Allocator classes/org/teavm/runtime/MarkQueue
    classes/org/teavm/runtime/Fiber classes/org/teavm/runtime/EventQueue
    classes/org/teavm/runtime/ExceptionHandling'
cp all.c rest.c
for name in $runtime callsites; do
    grep -qxF "#include \"$name.c\"" rest.c || fail "all.c has no $name.c"
    grep -vxF "#include \"$name.c\"" rest.c > less.c
    mv less.c rest.c
done
test "$(grep -c '^#define TEAVM_\(UN\)\?PACK_CLASS(' core.h)" = 2 || fail "core.h packs classes in another way"
sed -i '/^#define TEAVM_\(UN\)\?PACK_CLASS(/d' core.h
# TeaVM copies arrays of primitives as if each element had 8 bytes, and writes behind the copy: start-up.c has another.
clone='meth_jl_Object_cloneLowLevel(void\* teavm_local_1)'
test "$(grep -c "^void\* $clone {" classes/java/lang/Object.c)" = 1 || fail "Object.c clones in another way"
sed -i "s/^void\* $clone {/static void* meth_jl_Object_replaced(void* teavm_local_1) {/" classes/java/lang/Object.c
sed -i 's|^#define _GNU_SOURCE$|&\
#include "start-up.h"\
#include "strings.c"|' rest.c
grep -qx '#include "start-up.h"' rest.c || fail "all.c does not define _GNU_SOURCE"
{
    cat rest.c
    echo '#include "callsites.c"'
    echo '#include "start-up.c"'
} > binary.c
commit=$(git -C "$top" rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
# One program, and nothing for others to call: smaller and faster. No padding: a page more costs more time than
# aligned jumps save. -Os is smaller still, but takes 0.07 ms longer to plan a configuration of 2.6 KB, and without
# -finline-functions Docker's seccomp profile takes 0.05 ms longer.
musl-gcc -std=gnu11 -DCORACLE_COMMIT="\"$commit\"" -O2 -fwhole-program -fno-align-functions -fno-align-jumps -fno-align-loops \
    -static -nostartfiles -no-pie -fno-pie -fno-stack-protector ${CORACLE_CFLAGS:--s} -w -fno-strict-aliasing \
    -fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections -Wl,--gc-sections \
    -iquote . -iquote "$top/native/src/main/c" \
    binary.c -lm -o "$binary"
# There is no thread-local storage, as nobody sets it up: see _start.
! objdump -d "$binary" | grep -q '%fs:\|tpidr_el0' || fail "a function of libc wants errno or a lock"
