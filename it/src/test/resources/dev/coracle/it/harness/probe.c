// probe - the workload of tests that busybox cannot express: one static program, one sub-command each.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

// syscall NR [ARG...]: makes the call and prints "ret errno-name".
static int make_syscall(char **args) {
  long a[7] = {0};
  for (int i = 0; i < 7 && args[i]; i++) a[i] = strtol(args[i], NULL, 0);
  long ret = syscall(a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
  printf("%ld %s\n", ret, ret < 0 ? strerrorname_np(errno) : "OK");
  return 0;
}

// int80 NR [ARG]: makes a call of 32-bit x86, which any process on x86-64 can; prints "ret".
static int call_as_x86(long number, long argument) {
#ifdef __x86_64__
  int ret;
  __asm__ volatile("int $0x80" : "=a"(ret) : "a"((int)number), "b"((int)argument) : "memory");
  printf("%d\n", ret);
  return 0;
#else
  return (void)number, (void)argument, 3;
#endif
}

// fds: prints each open descriptor and what it is, but for the one it reads them with.
static int fds(void) {
  DIR *d = opendir("/proc/self/fd");
  if (!d) return perror("opendir"), 1;
  for (struct dirent *e; (e = readdir(d));) {
    char path[64], to[4096];
    if (e->d_name[0] == '.' || atoi(e->d_name) == dirfd(d)) continue;
    snprintf(path, sizeof path, "/proc/self/fd/%.20s", e->d_name);
    ssize_t n = readlink(path, to, sizeof to - 1);
    to[n < 0 ? 0 : n] = 0;
    printf("%s %s\n", e->d_name, to);
  }
  return 0;
}

// signals: prints the blocked, ignored and caught masks it was started with.
static int signals(void) {
  char line[256];
  FILE *f = fopen("/proc/self/status", "r");
  while (f && fgets(line, sizeof line, f))
    if (!strncmp(line, "Sig", 3) && strncmp(line, "SigQ", 4) && strncmp(line, "SigPnd", 6)) fputs(line, stdout);
  return 0;
}

// touch-mib N: uses N MiB of memory, then prints "touched".
static int touch_mib(size_t mib) {
  for (size_t i = 0; i < mib; i++) {
    char *p = malloc(1 << 20);
    if (!p) return puts("no memory"), 1;
    memset(p, 1, 1 << 20);
  }
  puts("touched");
  return 0;
}

// hold-mib N: uses N MiB of memory, prints "held", and waits.
static int hold_mib(size_t mib) {
  for (size_t i = 0; i < mib << 8; i++) {
    char *p = malloc(4096);
    if (!p) return puts("no memory"), 1;
    memset(p, 1, 4096);
  }
  puts("held");
  fflush(stdout);
  for (;;) pause();
}

// forks N: prints how many children could be forked, then ends them.
static int forks(int n) {
  int made = 0;
  for (; made < n; made++) {
    pid_t p = fork();
    if (p < 0) break;
    if (!p) pause(), _exit(0);
  }
  printf("%d\n", made);
  fflush(stdout);
  signal(SIGTERM, SIG_IGN);
  kill(0, SIGTERM);
  return 0;
}

// trap SIGNAL CODE: prints "ready", waits for the signal, exits with the code.
static int code;
static void leave(int s) { (void)s; _exit(code); }
static void trap_signal(int sig, int exit_code) {
  code = exit_code;
  signal(sig, leave);
  puts("ready");
  fflush(stdout);
  for (;;) pause();
}

// swap A B: exchanges two names as fast as it can, until it is killed.
static void swap(const char *a, const char *b) {
  for (;;) renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
}

// spy PREFIX: tells of each process whose program it could see, unless that begins with PREFIX; until it is
// killed.
static void spy(const char *prefix) {
  for (;;) {
    DIR *d = opendir("/proc");
    for (struct dirent *e; d && (e = readdir(d));) {
      if (e->d_name[0] < '1' || e->d_name[0] > '9') continue;
      char path[64], to[4096];
      snprintf(path, sizeof path, "/proc/%.20s/exe", e->d_name);
      ssize_t n = readlink(path, to, sizeof to - 1);
      to[n < 0 ? 0 : n] = 0;
      if (n > 0 && strncmp(to, prefix, strlen(prefix))) printf("%s %s\n", path, to), fflush(stdout);
    }
    if (d) closedir(d);
  }
}

// look PID: what of another process can be looked into or taken over: prints a word for each.
static int look(const char *pid) {
  static const char *what[] = {"exe", "cwd", "root", "fd/0", "fd/3", "fd/4", "fd/5", "fd/6", "fd/7", "fd/8"};
  char path[64], to[4096];
  for (unsigned i = 0; i < sizeof what / sizeof *what; i++) {
    snprintf(path, sizeof path, "/proc/%.20s/%s", pid, what[i]);
    if (readlink(path, to, sizeof to) >= 0) printf("%s ", what[i]);
  }
  snprintf(path, sizeof path, "/proc/%.20s/mem", pid);
  int fd = open(path, O_RDWR);
  if (fd >= 0) printf("mem ");
  snprintf(path, sizeof path, "/proc/%.20s/environ", pid);
  fd = open(path, O_RDONLY);
  if (fd >= 0 && read(fd, to, 1) >= 0) printf("environ ");
  if (!ptrace(PTRACE_SEIZE, atoi(pid), 0, 0)) printf("ptrace ");
  int pidfd = syscall(SYS_pidfd_open, atoi(pid), 0);
  for (int i = 3; i < 9; i++)
    if (syscall(SYS_pidfd_getfd, pidfd, i, 0) >= 0) printf("pidfd_getfd ");
  puts("end");
  return 0;
}

// A connection to a socket of the filesystem, or the end with the error's name.
static int connected(const char *path) {
  struct sockaddr_un a = {.sun_family = AF_UNIX};
  strncpy(a.sun_path, path, sizeof a.sun_path - 1);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (connect(fd, (struct sockaddr *)&a, sizeof a) < 0) {
    printf("connect %s\n", strerrorname_np(errno));
    exit(1);
  }
  return fd;
}

// connect PATH: sends its input, then says that there is no more, and prints what it is sent, until the end.
static int converse(const char *path) {
  static char in[65536], out[65536];
  struct pollfd p[2] = {{.fd = connected(path), .events = POLLIN}, {.fd = 0, .events = POLLIN}};
  int socket = p[0].fd;
  ssize_t from = 0, to = 0;
  signal(SIGPIPE, SIG_IGN);
  fcntl(socket, F_SETFL, O_NONBLOCK);
  for (;;) {
    p[0].events = POLLIN | (from < to ? POLLOUT : 0);
    p[1].fd = from < to || p[1].events == 0 ? -1 : 0;
    if (poll(p, 2, -1) < 0) return perror("poll"), 1;
    if (p[1].fd == 0 && p[1].revents) {
      from = 0;
      to = read(0, in, sizeof in);
      if (to <= 0) p[1].events = 0, to = 0, shutdown(socket, SHUT_WR);
    }
    if (from < to) {
      ssize_t n = write(socket, in + from, to - from);
      if (n < 0 && errno != EAGAIN) return printf("write %s\n", strerrorname_np(errno)), 1;
      from += n < 0 ? 0 : n;
    }
    if (p[0].revents & ~POLLOUT) {
      ssize_t n = read(socket, out, sizeof out);
      if (n == 0) return 0;
      if (n < 0 && errno != EAGAIN) return printf("read %s\n", strerrorname_np(errno)), 1;
      for (ssize_t done = 0, m; done < n; done += m)
        if ((m = write(1, out + done, n - done)) < 0) return perror("write"), 1;
    }
  }
}

// send PATH N: sends N bytes and ends without a further word.
static int send_only(const char *path, size_t n) {
  int fd = connected(path);
  char *all = calloc(n, 1);
  return write(fd, all, n) == (ssize_t)n ? 0 : 1;
}

// crowd PATH N MOST: makes N connections to an echo, of which MOST are answered while all are open; ends them, and then
// the others are. Prints both numbers.
static int crowd(const char *path, int n, int most) {
  struct pollfd all[256];
  for (int i = 0; i < n; i++) {
    all[i] = (struct pollfd){.fd = connected(path), .events = POLLIN};
    if (write(all[i].fd, "x", 1) != 1) return perror("write"), 1;
  }
  for (int from = 0, to = most; from < n; from = to, to = n) {
    int answered = 0;
    while (poll(all, n, answered < to - from ? 10000 : 300) > 0)
      for (int i = 0; i < n; i++) {
        char x;
        if (all[i].fd < 0 || !all[i].revents) continue;
        if (read(all[i].fd, &x, 1) != 1) return puts("not answered"), 1;
        answered++;
        all[i].fd = ~all[i].fd; // poll(2) passes it over.
      }
    printf("%d\n", answered);
    for (int i = 0; i < n; i++)
      if (all[i].fd < 0) close(~all[i].fd);
  }
  return 0;
}

int main(int argc, char **argv) {
  if (argc > 3 && !strcmp(argv[1], "swap")) swap(argv[2], argv[3]);
  if (argc > 2 && !strcmp(argv[1], "spy")) spy(argv[2]);
  if (argc > 2 && !strcmp(argv[1], "look")) return look(argv[2]);
  if (argc > 2 && !strcmp(argv[1], "syscall")) return make_syscall(argv + 2);
  if (argc > 2 && !strcmp(argv[1], "int80"))
    return call_as_x86(strtol(argv[2], NULL, 0), argc > 3 ? strtol(argv[3], NULL, 0) : 0);
  if (argc > 1 && !strcmp(argv[1], "fds")) return fds();
  if (argc > 1 && !strcmp(argv[1], "signals")) return signals();
  if (argc > 2 && !strcmp(argv[1], "touch-mib")) return touch_mib(strtoul(argv[2], NULL, 10));
  if (argc > 2 && !strcmp(argv[1], "hold-mib")) return hold_mib(strtoul(argv[2], NULL, 10));
  if (argc > 2 && !strcmp(argv[1], "forks")) return forks(atoi(argv[2]));
  if (argc > 3 && !strcmp(argv[1], "trap")) trap_signal(atoi(argv[2]), atoi(argv[3]));
  if (argc > 2 && !strcmp(argv[1], "connect")) return converse(argv[2]);
  if (argc > 3 && !strcmp(argv[1], "send")) return send_only(argv[2], strtoul(argv[3], NULL, 10));
  if (argc > 4 && !strcmp(argv[1], "crowd")) return crowd(argv[2], atoi(argv[3]), atoi(argv[4]));
  if (argc > 1 && !strcmp(argv[1], "dumpable")) return printf("%d\n", prctl(PR_GET_DUMPABLE)), 0;
  fprintf(stderr, "usage: probe syscall|fds|signals|touch-mib|forks|trap|connect|send|crowd|dumpable|swap|spy|look ...\n");
  return 2;
}
