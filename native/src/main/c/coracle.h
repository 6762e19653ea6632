/*
 * The native binary's few lines of C: one raw system call, static memory for what the kernel reads
 * and writes, and the arguments of the process. Everything else is Java.
 *
 * Raw calls, not libc's wrappers: those keep the error in errno, cache ids, and take part in
 * cancellation; ours return what the kernel returns.
 */
#pragma once
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
static inline int64_t coracle_syscall(int32_t nr, int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f) {
    int64_t result;
    register int64_t r10 __asm__("r10") = d;
    register int64_t r8 __asm__("r8") = e;
    register int64_t r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"((int64_t) nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}
#elif defined(__aarch64__)
static inline int64_t coracle_syscall(int32_t nr, int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f) {
    register int64_t x8 __asm__("x8") = nr;
    register int64_t x0 __asm__("x0") = a;
    register int64_t x1 __asm__("x1") = b;
    register int64_t x2 __asm__("x2") = c;
    register int64_t x3 __asm__("x3") = d;
    register int64_t x4 __asm__("x4") = e;
    register int64_t x5 __asm__("x5") = f;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
}
#else
#error "this processor is not supported yet"
#endif

/* The index of a system call in Syscalls.java is its place in this list. */
static const int16_t coracle_numbers[] = {
    SYS_openat2,      SYS_close,        SYS_read,          SYS_write,          SYS_statx,
    SYS_fstatfs,      SYS_statfs,       SYS_mkdirat,       SYS_mknodat,        SYS_unlinkat,
    SYS_symlinkat,    SYS_renameat2,    SYS_readlinkat,    SYS_fchmod,         SYS_fchownat,
    SYS_faccessat2,   SYS_getdents64,   SYS_chdir,         SYS_fchdir,         SYS_chroot,
    SYS_getcwd,       SYS_dup3,         SYS_pipe2,         SYS_fcntl,          SYS_flock,
    SYS_close_range,  SYS_umask,        SYS_mount,         SYS_umount2,        SYS_pivot_root,
    SYS_open_tree,    SYS_move_mount,   SYS_fsopen,        SYS_fsconfig,       SYS_fsmount,
    SYS_fspick,       SYS_mount_setattr, SYS_clone3,       SYS_execve,         SYS_exit_group,
    SYS_wait4,        SYS_kill,         SYS_pidfd_open,    SYS_pidfd_send_signal, SYS_getpid,
    SYS_getppid,      SYS_geteuid,      SYS_getegid,       SYS_prctl,          SYS_setresuid,
    SYS_setresgid,    SYS_setgroups,    SYS_capset,        SYS_capget,         SYS_prlimit64,
    SYS_setsid,       SYS_setns,        SYS_unshare,       SYS_sethostname,    SYS_setdomainname,
    SYS_sched_setaffinity, SYS_seccomp, SYS_bpf,           SYS_rt_sigaction,   SYS_rt_sigprocmask,
    SYS_signalfd4,    SYS_ppoll,        SYS_socketpair,    SYS_socket,         SYS_connect,
    SYS_sendmsg,      SYS_ioctl,        SYS_clock_gettime,   SYS_pwrite64,       SYS_recvmsg,
    SYS_sched_setattr, SYS_ioprio_set, SYS_set_mempolicy, SYS_personality,
    SYS_keyctl, SYS_execveat, SYS_memfd_create, SYS_sendfile,
    SYS_inotify_init1, SYS_inotify_add_watch, SYS_eventfd2, SYS_pidfd_getfd,
    SYS_faccessat,    SYS_bind,         SYS_clone,
    SYS_listen,       SYS_accept4,
    SYS_finit_module, SYS_reboot,       SYS_sync,          SYS_clock_settime,   SYS_sendto,
    SYS_recvfrom,     SYS_pread64,      SYS_shutdown,
};

static inline int64_t coracle_call(int32_t index, int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f) {
    return coracle_syscall(coracle_numbers[index], a, b, c, d, e, f);
}

/* Behind all other data, so that what is small and used by everyone shares a page or two. */
#if defined(__x86_64__)
#define CORACLE_LAST __attribute__((section(".lbss"), aligned(64)))
#else
#define CORACLE_LAST __attribute__((aligned(64)))
#endif

/* Scratch memory, which the collector does not move: untouched pages of it cost nothing. */
#define CORACLE_SCRATCH_BYTES (256 * 1024)
static char coracle_scratch_memory[CORACLE_SCRATCH_BYTES] CORACLE_LAST;
static inline void* coracle_scratch(void) {
    return coracle_scratch_memory;
}

/* Memory that is never freed, as all of it: see start-up.c. */
extern void* coracle_allocate(int64_t size);

/* What the kernel put on the stack: see start-up.c. */
extern char** coracle_environment;
static inline void* coracle_environ(void) {
    return coracle_environment;
}

#ifndef CORACLE_COMMIT
#define CORACLE_COMMIT "unknown"
#endif
static inline void* coracle_commit(void) {
    return CORACLE_COMMIT;
}

extern char** coracle_arguments;
static inline void* coracle_argv(void) {
    return coracle_arguments;
}

/* See the seal in start-up.c. */
extern int32_t coracle_seal_mount;
static inline int32_t coracle_seal_descriptor(void) {
    return coracle_seal_mount;
}

/* What exitOnSignal installs: see start-up.c. */
extern void coracle_exit_on_signal(int signal);
static inline void* coracle_exiting_handler(void) {
    return (void*) (intptr_t) coracle_exit_on_signal;
}

extern char* coracle_program;
static inline void* coracle_argv0(void) {
    return coracle_program;
}
