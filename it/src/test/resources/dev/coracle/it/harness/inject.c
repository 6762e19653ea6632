// inject - runs a command under ptrace(2), counts the system calls of each of its processes, and lets one of them fail,
// or kills the process before it.
//   inject REPORT PROCESS CALL WHAT COMMAND [ARG...]
// PROCESS counts from 0 in the order of the forks, CALL from 1 in that process; WHAT is an errno, or "kill". With PROCESS
// -1 nothing fails, and the report has a line for each call: PROCESS CALL NAME [PATH].
// A process is followed until it executes another program: hooks and the workload are not. The report's last line is
//   end STATUS HIT [PID NAME...]
// where STATUS is as a shell has it, HIT is 1 if it came to the call, and the PIDs are those that are still there though the
// command has failed. A process that outlives the command is inherited by whoever inherits ours.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MOST 256
#define N(x) [SYS_##x] = #x,
static const char *const names[1024] = {
    N(openat2) N(close) N(read) N(write) N(statx) N(fstatfs) N(statfs) N(mkdirat) N(mknodat) N(unlinkat) N(symlinkat)
    N(renameat2) N(readlinkat) N(fchmod) N(fchownat) N(faccessat2) N(getdents64) N(chdir) N(fchdir) N(chroot) N(getcwd)
    N(dup2) N(dup3) N(pipe2) N(fcntl) N(flock) N(close_range) N(umask) N(mount) N(umount2) N(pivot_root) N(open_tree)
    N(move_mount) N(fsopen) N(fsconfig) N(fsmount) N(fspick) N(mount_setattr) N(clone3) N(execve) N(exit_group) N(wait4)
    N(kill) N(pidfd_open) N(pidfd_send_signal) N(getpid) N(getppid) N(geteuid) N(getegid) N(prctl) N(setresuid)
    N(setresgid) N(setgroups) N(capset) N(capget) N(prlimit64) N(setsid) N(setns) N(unshare) N(sethostname)
    N(setdomainname) N(sched_setaffinity) N(seccomp) N(bpf) N(rt_sigaction) N(rt_sigprocmask) N(signalfd4) N(ppoll)
    N(poll) N(socketpair) N(socket) N(connect) N(sendmsg) N(recvmsg) N(ioctl) N(clock_gettime) N(pwrite64) N(pread64)
    N(sched_setattr) N(ioprio_set) N(set_mempolicy) N(personality) N(keyctl) N(execveat) N(memfd_create) N(sendfile)
    N(inotify_init1) N(inotify_add_watch) N(eventfd2) N(pidfd_getfd) N(arch_prctl) N(brk) N(mmap) N(munmap) N(mprotect)
    N(ftruncate) N(linkat) N(fchmodat) N(getuid) N(getgid) N(bind) N(listen) N(accept4) N(copy_file_range) N(setpriority)
    N(openat) N(getrandom) N(utimensat) N(fsync) N(sendto) N(recvfrom) N(shutdown) N(lseek) N(getsockname) N(setsockopt)};
#undef N

static struct process { pid_t pid; int index, calls, hit, born; } all[MOST];
static int known, next_index = 1, hit, wanted_process, wanted_call, wanted_errno, done;
static FILE *report;

static struct process *find(pid_t pid) {
  for (int i = 0; i < known; i++) if (all[i].pid == pid) return &all[i];
  return NULL;
}

static struct process *add(pid_t pid) {
  if (known == MOST) fputs("inject: too many processes\n", stderr), exit(125);
  all[known] = (struct process){.pid = pid, .index = -1};
  return &all[known++];
}

static void forget(pid_t pid) {
  struct process *p = find(pid);
  if (p) *p = all[--known];
}

static void go_on(pid_t pid, int sig) { ptrace(done ? PTRACE_CONT : PTRACE_SYSCALL, pid, 0, sig); }

static void read_path(pid_t pid, unsigned long at, char *out, size_t size) {
  // Never over the end of a page that may be the last one.
  size_t n = 4096 - (at & 4095);
  struct iovec to = {out, n < size - 1 ? n : size - 1}, from = {(void *)at, to.iov_len};
  ssize_t got = at > 4096 ? process_vm_readv(pid, &to, 1, &from, 1, 0) : 0;
  out[got < 0 ? 0 : got] = 0;
  for (char *c = out; *c; c++) if (*c < ' ' || *c > '~') { *c = 0; break; }
}

static void tell(struct process *p, struct user_regs_struct *r) {
  char path[256] = "";
  switch (r->orig_rax) {
    case SYS_openat2: case SYS_statx: case SYS_mkdirat: case SYS_mknodat: case SYS_unlinkat: case SYS_readlinkat:
    case SYS_fchownat: case SYS_faccessat2: case SYS_open_tree: case SYS_mount_setattr: case SYS_renameat2: case SYS_fspick:
    case SYS_inotify_add_watch: read_path(p->pid, r->rsi, path, sizeof path); break;
    case SYS_statfs: case SYS_chdir: case SYS_chroot: case SYS_umount2: case SYS_execve: case SYS_fsopen:
      read_path(p->pid, r->rdi, path, sizeof path); break;
    case SYS_mount: case SYS_pivot_root: read_path(p->pid, r->rsi, path, sizeof path); break;
    case SYS_prctl: case SYS_rt_sigaction: case SYS_wait4: snprintf(path, sizeof path, "%lld", (long long)r->rdi); break;
    case SYS_read: case SYS_write: case SYS_close: case SYS_getdents64: case SYS_ppoll: case SYS_fcntl:
      { char fd[64]; snprintf(fd, sizeof fd, "/proc/%d/fd/%lld", p->pid, (long long)r->rdi);
        ssize_t n = r->orig_rax == SYS_ppoll ? -1 : readlink(fd, path, sizeof path - 1); path[n < 0 ? 0 : n] = 0; break; }
  }
  const char *name = r->orig_rax < 1024 ? names[r->orig_rax] : NULL;
  if (name) fprintf(report, "%d %d %s %s\n", p->index, p->calls, name, path);
  else fprintf(report, "%d %d #%lld %s\n", p->index, p->calls, (long long)r->orig_rax, path);
}

static void system_call(struct process *p) {
  struct user_regs_struct r;
  struct __ptrace_syscall_info info;
  if (ptrace(PTRACE_GET_SYSCALL_INFO, p->pid, sizeof info, &info) <= 0) return;
  int entry = info.op == PTRACE_SYSCALL_INFO_ENTRY;
  if (!entry && !p->hit) return;
  if (entry) {
    p->calls++;
    if (wanted_process >= 0 && (p->index != wanted_process || p->calls != wanted_call)) return;
  }
  if (ptrace(PTRACE_GETREGS, p->pid, 0, &r)) return;
  if (entry && wanted_process < 0) return tell(p, &r);
  if (entry) {
    tell(p, &r);
    hit = p->hit = 1;
    if (!wanted_errno) { kill(p->pid, SIGKILL); done = 1; return; }
    r.orig_rax = -1;
  } else {
    r.rax = -wanted_errno;
    p->hit = 0;
    done = 1;
  }
  ptrace(PTRACE_SETREGS, p->pid, 0, &r);
}

static void stopped(pid_t pid, int status) {
  struct process *p = find(pid);
  int sig = WSTOPSIG(status), event = status >> 16;
  if (!p) p = add(pid);
  if (p->index < 0 && !p->born) { p->born = 1; return; } // it waits until its parent's event has named it
  if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK || event == PTRACE_EVENT_CLONE) {
    unsigned long child;
    ptrace(PTRACE_GETEVENTMSG, pid, 0, &child);
    struct process *c = find((pid_t)child);
    int waits = c != NULL;
    if (!c) c = add((pid_t)child);
    c->index = next_index++;
    if (waits) go_on(c->pid, 0);
    go_on(pid, 0);
  } else if (event == PTRACE_EVENT_EXEC && p->index > 0) {
    forget(pid);
    ptrace(PTRACE_DETACH, pid, 0, 0);
  } else if (sig == (SIGTRAP | 0x80)) {
    system_call(p);
    go_on(pid, 0);
  } else {
    go_on(pid, event ? 0 : sig);
  }
}

static int code(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

static void let_go(void) {
  while (known) {
    pid_t pid = all[0].pid;
    int status;
    if (all[0].index < 0 && all[0].born) { // stopped, and told of: nothing more is to come
      ptrace(PTRACE_DETACH, pid, 0, 0);
      forget(pid);
      continue;
    }
    ptrace(PTRACE_INTERRUPT, pid, 0, 0);
    if (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status)) {
      int sig = WSTOPSIG(status);
      ptrace(PTRACE_DETACH, pid, 0, status >> 16 || sig == (SIGTRAP | 0x80) ? 0 : sig);
    }
    forget(pid);
  }
}

// Whoever was killed needs a moment to be gone.
static void left_behind(void) {
  struct timespec moment = {0, 500000};
  for (int i = 0; i < 4000; i++) {
    pid_t pid = waitpid(-1, NULL, WNOHANG | __WALL);
    if (pid < 0) return;
    if (!pid) nanosleep(&moment, NULL);
  }
  char path[64], line[4096];
  snprintf(path, sizeof path, "/proc/self/task/%d/children", getpid());
  FILE *f = fopen(path, "r");
  if (f && fgets(line, sizeof line, f)) fprintf(report, " %s", line);
}

int main(int argc, char **argv) {
  if (argc < 6) return fputs("usage: inject REPORT PROCESS CALL WHAT COMMAND...\n", stderr), 2;
  report = fopen(argv[1], "we");
  if (!report) return perror(argv[1]), 125;
  wanted_process = atoi(argv[2]), wanted_call = atoi(argv[3]), wanted_errno = atoi(argv[4]);
  int gate[2], status = 0;
  if (pipe2(gate, O_CLOEXEC) || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)) return perror("inject"), 125;
  pid_t main_pid = fork();
  if (!main_pid) {
    char go;
    if (read(gate[0], &go, 1) == 1) execvp(argv[5], argv + 5);
    _exit(126);
  }
  long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC |
                 PTRACE_O_EXITKILL;
  if (main_pid < 0 || ptrace(PTRACE_SEIZE, main_pid, 0, options)) return perror("inject: ptrace"), 125;
  if (write(gate[1], "", 1) != 1) return 125;
  int executed = 0, ended = -1;
  while (ended < 0) {
    pid_t pid = waitpid(-1, &status, __WALL);
    if (pid < 0) return perror("inject: waitpid"), 125;
    if (!WIFSTOPPED(status)) {
      forget(pid);
      if (pid == main_pid) ended = code(status);
    } else if (!executed && pid == main_pid) {
      // What comes before is the fork's own.
      executed = status >> 16 == PTRACE_EVENT_EXEC;
      if (executed) {
        struct process *p = add(pid);
        p->index = 0, p->born = 1;
        go_on(pid, 0);
      } else {
        ptrace(PTRACE_CONT, pid, 0, 0);
      }
    } else {
      stopped(pid, status);
    }
  }
  let_go();
  fprintf(report, "end %d %d", ended, hit);
  if (ended && wanted_errno) left_behind();
  fputc('\n', report);
  return fclose(report) ? 125 : ended;
}
