/*
 * Which functions a run of the program enters: for native/hot.sh, which is the only one that defines CORACLE_TRACE. Every
 * function tells (-finstrument-functions), and leaves a byte in a file that is shared with all children.
 */
#pragma once
#include <fcntl.h>
#include <sys/mman.h>
#define CORACLE_TRACE_FROM 0x400000
#define CORACLE_TRACE_BYTES 0x400000
#define CORACLE_UNTRACED __attribute__((no_instrument_function))
static unsigned char* coracle_trace;

CORACLE_UNTRACED void __cyg_profile_func_enter(void* function, void* site) {
    (void) site;
    uintptr_t at = (uintptr_t) function - CORACLE_TRACE_FROM;
    if (coracle_trace != NULL && at < CORACLE_TRACE_BYTES) {
        coracle_trace[at] = 1;
    }
}

CORACLE_UNTRACED void __cyg_profile_func_exit(void* function, void* site) {
    (void) function;
    (void) site;
}

static inline CORACLE_UNTRACED void coracle_begin_trace(void) {
    int64_t file = coracle_syscall(SYS_openat, AT_FDCWD, (intptr_t) CORACLE_TRACE, O_RDWR, 0, 0, 0);
    int64_t memory = coracle_syscall(
        SYS_mmap, 0, CORACLE_TRACE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    coracle_syscall(SYS_close, file, 0, 0, 0, 0, 0);
    coracle_trace = memory > 0 ? (unsigned char*) memory : NULL;
}
