/*
 * The measuring driver: runs the command lines of several contenders in turn and times each of them.
 *
 *   lap --view v1|v2|none --state DIR [--rounds N] [--warm-up N] [--cold] [--inspect] [--peaks] [--sweep PREFIX] PLAN
 *   lap --view v1|v2 --sweep PREFIX
 *
 * PLAN is a file; the fields of a line are separated by tabs:
 *   contender  NAME
 *   before     ARGV...          once, not timed
 *   do         LABEL  ARGV...   in every round, timed
 *   wait       PIDFILE  STATUS  to the end of the container's init, timed; it must exit with STATUS
 *   after      ARGV...          once, not timed, even after a failure
 *
 * Prints one JSON object per line. How it measures:
 *  - It is small and static, and starts commands by vfork and execve. The kernel counts a process's
 *    peak memory from the image before execve on (exec_mmap, setmax_mm_hiwater_rss), so a big driver
 *    would be what it measures; its own peak is printed.
 *  - It is the subreaper: the container's init becomes its child when the runtime's process has ended,
 *    so wait4 tells the moment of its end and its status, without polling.
 *  - With --peaks it stops every command at its exit and reads the peak from /proc: ru_maxrss sums
 *    counters that lag by up to 32 pages per processor (percpu_counter), which is all of a small one.
 *    Times of such rounds mean nothing.
 *  - Every round is in another order, so that nobody always pays for the cleaning of the same other.
 *  - It sees cgroups and the runtimes' state (a tmpfs, like /run) in a mount namespace of its own,
 *    of which nothing is left when it ends, however it ends.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CGROUPS "/sys/fs/cgroup"
#define CONTENDERS_MAX 12
#define STEPS_MAX 8
#define WORDS_MAX 40
#define PLAN_MAX 16384
/* Far above any cycle; below it, a hang would stop the bench for ever. */
#define CYCLE_TIMEOUT_SECONDS 30
#define NO_VIEW 3 /* exit status: this machine cannot show the wanted cgroups */

extern char **environ;

enum kind { BEFORE, DO, WAIT, AFTER };

struct step {
  enum kind kind;
  char *label;
  char *words[WORDS_MAX]; /* of a WAIT: the pid file and the status */
};

struct contender {
  char *name;
  struct step steps[STEPS_MAX];
  int step_count;
  int failed;
};

/* One command, or the wait for the container, in one round. */
struct figure {
  int64_t nanos;
  long peak_kb; /* of the process and all that it had waited for */
};

static struct contender contenders[CONTENDERS_MAX];
static int contender_count;
static char plan_text[PLAN_MAX];
static int out = -1;
static int cold, inspect, peaks;
static char own_procs[PATH_MAX * 2]; /* the file cgroup.procs; empty without a view */
static volatile sig_atomic_t interrupted;

/* The container of the running cycle; 0 when there is none. */
static pid_t init_pid;
static int init_status, init_ended;

/*
 * Who has ended and been reaped since the round began. What `exec` starts may be over before the command that started it,
 * and before its pid file is read.
 */
#define REAPED_MAX 16
static struct {
  pid_t pid;
  int status;
} reaped[REAPED_MAX];
static int reaped_count;

static void die(const char *what, const char *which) {
  dprintf(2, "lap: %s %s: %s\n", what, which, strerror(errno));
  exit(1);
}

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void on_signal(int signal_number) {
  if (signal_number != SIGALRM) interrupted = 1;
}

/* ---- the plan ------------------------------------------------------------------------------------- */

static void split(char *text, char **words) {
  int n = 0;
  for (char *word = strtok(text, "\t"); word; word = strtok(NULL, "\t")) {
    if (n == WORDS_MAX - 1) die("too many words", "in the plan");
    words[n++] = word;
  }
  words[n] = NULL;
}

static void read_line(char *line) {
  static const char *const KINDS[] = {"before", "do", "wait", "after"};
  char *words[WORDS_MAX];
  split(line, words);
  if (!words[0]) return;
  if (strcmp(words[0], "contender") == 0 && words[1] && contender_count < CONTENDERS_MAX) {
    contenders[contender_count++].name = words[1];
    return;
  }
  for (int kind = BEFORE; kind <= AFTER; kind++) {
    if (strcmp(words[0], KINDS[kind]) != 0 || contender_count == 0) continue;
    struct contender *c = &contenders[contender_count - 1];
    if (c->step_count == STEPS_MAX) die("too many steps", c->name);
    struct step *s = &c->steps[c->step_count++];
    s->kind = (enum kind)kind;
    int skipped = kind == DO ? 2 : 1;
    s->label = kind == DO ? words[1] : (char *)KINDS[kind];
    memcpy(s->words, words + skipped, sizeof *words * (size_t)(WORDS_MAX - skipped));
    return;
  }
  errno = EINVAL;
  die("plan line", words[0]);
}

static void read_plan(const char *path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) die("open", path);
  ssize_t length = read(fd, plan_text, sizeof plan_text - 1);
  if (length <= 0 || length == sizeof plan_text - 1) die("read", path);
  close(fd);
  char *rest = plan_text;
  for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n")) read_line(line);
}

/* ---- the machine's view --------------------------------------------------------------------------- */

static int is_cgroup2(const char *path) {
  struct statfs s;
  return statfs(path, &s) == 0 && s.f_type == CGROUP2_SUPER_MAGIC;
}

/* Shows one cgroup layout at /sys/fs/cgroup to this process and its children. */
static void show_cgroups(const char *view) {
  if (unshare(CLONE_NEWNS) < 0) die("unshare", "CLONE_NEWNS (root is needed)");
  if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) die("mount", "/ private");
  if (strcmp(view, "v2") == 0 && !is_cgroup2(CGROUPS)) {
    umount2(CGROUPS, MNT_DETACH);
    if (mount("cgroup2", CGROUPS, "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0) exit(NO_VIEW);
  }
  if (strcmp(view, "v1") == 0) {
    if (is_cgroup2(CGROUPS) || access(CGROUPS "/devices", F_OK) < 0) exit(NO_VIEW);
    /* crun refuses a layout in which a cgroup2 with controllers stands beside v1. */
    if (is_cgroup2(CGROUPS "/unified") && umount2(CGROUPS "/unified", MNT_DETACH) < 0) exit(NO_VIEW);
  }
}

/*
 * Our own place in the first cgroup hierarchy that is there to see. The view decides: before
 * show_cgroups both layouts might be.
 */
static void find_own_cgroup(void) {
  FILE *f = fopen("/proc/self/cgroup", "re");
  char line[PATH_MAX];
  int v2 = is_cgroup2(CGROUPS);
  while (f && fgets(line, sizeof line, f)) {
    line[strcspn(line, "\n")] = 0;
    char *name = strchr(line, ':');
    char *path = name ? strchr(name + 1, ':') : NULL;
    if (!path) continue;
    *path++ = 0;
    name++;
    if (v2 ? *name != 0 : strcmp(name, "devices") != 0) continue;
    snprintf(own_procs, sizeof own_procs, CGROUPS "%s%s%s/cgroup.procs", v2 ? "" : "/", name,
             strcmp(path, "/") ? path : "");
  }
  if (f) fclose(f);
}

/*
 * Takes and leaves the kernel's cgroup_threadgroup_rwsem, by moving us to where we are. Its writer
 * waits for an RCU grace period of about 7 ms, unless the last writer was a moment ago (rcu_sync); so
 * what a runtime that writes cgroup.procs needs would depend on who came before it. This gives
 * everyone the quick case.
 */
static void wake_cgroup_lock(void) {
  if (!*own_procs) return;
  int fd = open(own_procs, O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write(fd, "0", 1) != 1) die("write", own_procs);
  close(fd);
}

static void kill_all_in(const char *cgroup) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/cgroup.procs", cgroup);
  FILE *f = fopen(path, "re");
  int pid;
  while (f && fscanf(f, "%d", &pid) == 1)
    if (pid > 0) kill(pid, SIGKILL);
  if (f) fclose(f);
}

static void reap_without_waiting(void) {
  while (waitpid(-1, NULL, WNOHANG | __WALL) > 0) continue;
}

/* Removes a cgroup that a broken cycle left, with what is below it and the processes in it. */
static void remove_cgroup(const char *cgroup) {
  DIR *d = opendir(cgroup);
  struct dirent *e;
  char path[PATH_MAX];
  while (d && (e = readdir(d))) {
    if (e->d_type != DT_DIR || e->d_name[0] == '.') continue;
    if (snprintf(path, sizeof path, "%s/%s", cgroup, e->d_name) < PATH_MAX) remove_cgroup(path);
  }
  if (d) closedir(d);
  /* A killed process stays in its cgroup until it has ended, so this may take some turns. */
  for (int i = 0; i < 1000 && rmdir(cgroup) < 0 && errno == EBUSY; i++) {
    kill_all_in(cgroup);
    reap_without_waiting();
    usleep(1000);
  }
}

static void sweep_hierarchy(const char *hierarchy, const char *prefix) {
  DIR *d = opendir(hierarchy);
  struct dirent *e;
  char path[PATH_MAX];
  while (d && (e = readdir(d)))
    if (strncmp(e->d_name, prefix, strlen(prefix)) == 0 &&
        snprintf(path, sizeof path, "%s/%s", hierarchy, e->d_name) < PATH_MAX)
      remove_cgroup(path);
  if (d) closedir(d);
}

/* Ends whatever lives in the cgroups whose names begin with the bench's own prefix. */
static void sweep(const char *prefix) {
  if (is_cgroup2(CGROUPS)) {
    sweep_hierarchy(CGROUPS, prefix);
    return;
  }
  DIR *d = opendir(CGROUPS);
  struct dirent *e;
  char path[PATH_MAX];
  while (d && (e = readdir(d)))
    if (e->d_name[0] != '.' && e->d_type == DT_DIR &&
        snprintf(path, sizeof path, CGROUPS "/%s", e->d_name) < PATH_MAX)
      sweep_hierarchy(path, prefix);
  if (d) closedir(d);
}

/* ---- running and timing --------------------------------------------------------------------------- */

/* In a function of its own, because a vfork child writes into its parent's frame. */
static __attribute__((noinline)) pid_t spawn(char *const *argv) {
  pid_t pid = vfork();
  if (pid == 0) {
    if (peaks) ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    execve(argv[0], argv, environ);
    _exit(127);
  }
  return pid;
}

/* VmHWM, which unlike ru_maxrss begins at execve. */
static long peak_of(pid_t pid) {
  char path[64], text[4096];
  snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  ssize_t length = read(fd, text, sizeof text - 1);
  close(fd);
  text[length > 0 ? length : 0] = 0;
  const char *line = strstr(text, "VmHWM:");
  return line ? atol(line + 6) : 0;
}

/* A traced command has stopped: at its execve (SIGTRAP), at its exit, or before a signal. */
static long continue_traced(pid_t pid, int status) {
  long peak_kb = 0;
  int signal_number = WSTOPSIG(status);
  if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXIT << 8)) peak_kb = peak_of(pid);
  if (signal_number == SIGTRAP) {
    ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)PTRACE_O_TRACEEXIT);
    signal_number = 0;
  }
  ptrace(PTRACE_CONT, pid, NULL, (void *)(intptr_t)signal_number);
  return peak_kb;
}

/*
 * Waits for one child and reaps every other that ends meanwhile, as a container engine does: a runtime
 * that waits until its container is gone would else wait for a zombie. Returns -1 when interrupted.
 */
static int await(pid_t pid, int *status, long *peak_kb) {
  long at_exit_kb = 0;
  for (;;) {
    struct rusage usage;
    int s;
    pid_t got = wait4(-1, &s, __WALL, &usage);
    if (got < 0) return -1;
    if (WIFSTOPPED(s)) {
      long kb = continue_traced(got, s);
      if (kb > at_exit_kb) at_exit_kb = kb;
      continue;
    }
    if (got == init_pid) {
      init_ended = 1;
      init_status = s;
    }
    if (reaped_count < REAPED_MAX) {
      reaped[reaped_count].pid = got;
      reaped[reaped_count++].status = s;
    }
    if (got == pid) {
      *status = s;
      *peak_kb = usage.ru_maxrss > at_exit_kb ? usage.ru_maxrss : at_exit_kb;
      return 0;
    }
  }
}

static void emit(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void emit(const char *format, ...) {
  va_list args;
  va_start(args, format);
  vdprintf(out, format, args);
  va_end(args);
}

static void fail(struct contender *c, int round, const struct step *s, const char *why, int number) {
  c->failed = 1;
  emit("{\"contender\":\"%s\",\"round\":%d,\"error\":\"%s %s %d\"}\n", c->name, round, s->label, why, number);
}

static int run_command(struct contender *c, int round, const struct step *s, struct figure *f) {
  int status = 0;
  int64_t begin = now();
  pid_t pid = spawn(s->words);
  int waited = pid < 0 ? -1 : await(pid, &status, &f->peak_kb);
  f->nanos = now() - begin;
  if (waited < 0) {
    int error = errno;
    if (pid > 0) kill(pid, SIGKILL);
    fail(c, round, s, "was not waited for, errno", error);
  } else if (WIFSIGNALED(status)) {
    fail(c, round, s, "was ended by signal", WTERMSIG(status));
  } else if (WEXITSTATUS(status) != 0) {
    fail(c, round, s, "exited with", WEXITSTATUS(status));
  }
  return c->failed ? -1 : 0;
}

static void drop_caches(void) {
  sync();
  int fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write(fd, "3", 1) != 1) die("write", "/proc/sys/vm/drop_caches");
  close(fd);
}

/* ---- the parked container ------------------------------------------------------------------------- */

static pid_t read_pid(const char *path) {
  char text[16] = "";
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  if (read(fd, text, sizeof text - 1) < 0) text[0] = 0;
  close(fd);
  return atoi(text);
}

static void emit_file(const char *path) {
  FILE *f = fopen(path, "re");
  int ch;
  while (f && (ch = fgetc(f)) != EOF) {
    if (ch == '\n') emit("\\n");
    else if (ch == '"' || ch == '\\') emit("\\%c", ch);
    else emit("%c", ch);
  }
  if (f) fclose(f);
}

static int line_count(const char *path) {
  FILE *f = fopen(path, "re");
  int ch, lines = 0;
  while (f && (ch = fgetc(f)) != EOF) lines += ch == '\n';
  if (f) fclose(f);
  return lines;
}

/* Which of the container's namespaces are not ours. */
static void emit_namespaces(void) {
  static const char *const NAMES[] = {"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"};
  const char *comma = "";
  for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
    char path[64], ours[64] = "", its[64] = "";
    snprintf(path, sizeof path, "/proc/self/ns/%s", NAMES[i]);
    if (readlink(path, ours, sizeof ours - 1) < 0) continue;
    snprintf(path, sizeof path, "/proc/%d/ns/%s", (int)init_pid, NAMES[i]);
    if (readlink(path, its, sizeof its - 1) < 0 || strcmp(ours, its) == 0) continue;
    emit("%s\"%s\"", comma, NAMES[i]);
    comma = ",";
  }
}

static void emit_inspection(const struct contender *c) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/cgroup", (int)init_pid);
  emit("{\"contender\":\"%s\",\"cgroup\":\"", c->name);
  emit_file(path);
  emit("\",\"namespaces\":[");
  emit_namespaces();
  snprintf(path, sizeof path, "/proc/%d/mountinfo", (int)init_pid);
  emit("],\"mounts\":%d}\n", line_count(path));
}

static int wait_for_init(struct contender *c, int round, const struct step *s, struct figure *f) {
  int64_t begin = now();
  if (!init_ended && await(init_pid, &init_status, &f->peak_kb) < 0) {
    fail(c, round, s, "was interrupted, errno", errno);
    return -1;
  }
  f->nanos = now() - begin;
  int status = WIFEXITED(init_status) ? WEXITSTATUS(init_status) : 128 + WTERMSIG(init_status);
  if (status != atoi(s->words[1])) fail(c, round, s, "saw the workload end with", status);
  return c->failed ? -1 : 0;
}

/* ---- rounds --------------------------------------------------------------------------------------- */

static void emit_round(const struct contender *c, int round, const struct figure *f, long init_kb) {
  emit("{\"contender\":\"%s\",\"round\":%d,\"nanos\":{", c->name, round);
  const char *comma = "";
  for (int i = 0; i < c->step_count; i++) {
    if (c->steps[i].kind != DO && c->steps[i].kind != WAIT) continue;
    emit("%s\"%s\":%lld", comma, c->steps[i].label, (long long)f[i].nanos);
    comma = ",";
  }
  emit("},\"peakKb\":{");
  comma = "";
  for (int i = 0; i < c->step_count; i++) {
    if (c->steps[i].kind != DO) continue;
    emit("%s\"%s\":%ld", comma, c->steps[i].label, f[i].peak_kb);
    comma = ",";
  }
  if (init_kb > 0) emit("%s\"init\":%ld", comma, init_kb);
  emit("}}\n");
}

/* The pid file of a contender that has a container to wait for. */
static const char *pid_file_of(const struct contender *c) {
  for (int i = 0; i < c->step_count; i++)
    if (c->steps[i].kind == WAIT) return c->steps[i].words[0];
  return NULL;
}

static void run_round(struct contender *c, int round) {
  struct figure figures[STEPS_MAX] = {0};
  const char *pid_file = pid_file_of(c);
  long init_kb = 0;
  init_pid = 0;
  init_ended = 0;
  reaped_count = 0;
  alarm(CYCLE_TIMEOUT_SECONDS);
  wake_cgroup_lock();
  for (int i = 0; i < c->step_count && !c->failed && !interrupted; i++) {
    const struct step *s = &c->steps[i];
    if (s->kind == WAIT) {
      wait_for_init(c, round, s, &figures[i]);
      continue;
    }
    if (s->kind != DO) continue;
    if (cold) {
      drop_caches();
      wake_cgroup_lock(); /* it has fallen asleep meanwhile */
    }
    if (run_command(c, round, s, &figures[i]) < 0 || !pid_file || init_pid) continue;
    /* The first command has made the container: it is parked now, and not yet the workload. */
    init_pid = read_pid(pid_file);
    if (init_pid <= 0) {
      fail(c, round, s, "left no pid file", 0);
      continue;
    }
    for (int r = 0; r < reaped_count; r++) {
      if (reaped[r].pid != init_pid) continue;
      init_ended = 1;
      init_status = reaped[r].status;
    }
    init_kb = peak_of(init_pid);
    if (inspect) emit_inspection(c);
  }
  alarm(0);
  reap_without_waiting();
  if (pid_file) unlink(pid_file);
  if (c->failed && init_pid > 0 && !init_ended) kill(init_pid, SIGKILL);
  if (!c->failed && !interrupted && round >= 0) emit_round(c, round, figures, init_kb);
}

static void run_untimed(struct contender *c, enum kind kind) {
  struct figure unused;
  alarm(CYCLE_TIMEOUT_SECONDS);
  for (int i = 0; i < c->step_count; i++)
    if (c->steps[i].kind == kind && (kind == AFTER || !c->failed)) run_command(c, -1, &c->steps[i], &unused);
  alarm(0);
}

/* Fisher and Yates with a fixed seed: every order is equally likely, and a run can be repeated. */
static void shuffle(int *order) {
  static uint64_t state = 0x9e3779b97f4a7c15;
  for (int i = contender_count - 1; i > 0; i--) {
    state = state * 6364136223846793005 + 1442695040888963407;
    int j = (int)((state >> 33) % (unsigned)(i + 1));
    int t = order[i];
    order[i] = order[j];
    order[j] = t;
  }
}

static void run_plan(int rounds, int warm_up) {
  int order[CONTENDERS_MAX];
  for (int i = 0; i < contender_count; i++) {
    order[i] = i;
    run_untimed(&contenders[i], BEFORE);
  }
  for (int round = -warm_up; round < rounds && !interrupted; round++) {
    shuffle(order);
    for (int i = 0; i < contender_count && !interrupted; i++)
      if (!contenders[order[i]].failed) run_round(&contenders[order[i]], round);
  }
  init_pid = 0;
  for (int i = 0; i < contender_count; i++) run_untimed(&contenders[i], AFTER);
  emit("{\"driverPeakKb\":%ld}\n", peak_of(getpid()));
}

static void handle_signals(void) {
  struct sigaction action = {.sa_handler = on_signal}; /* no SA_RESTART: wait4 must return */
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGHUP, &action, NULL);
  sigaction(SIGALRM, &action, NULL);
  prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
}

int main(int argc, char **argv) {
  const char *view = "none", *state = NULL, *prefix = NULL, *plan = NULL;
  int rounds = 1, warm_up = 0;
  for (int i = 1; i < argc; i++) {
    const char *value = i + 1 < argc ? argv[i + 1] : "";
    if (strcmp(argv[i], "--view") == 0) view = value, i++;
    else if (strcmp(argv[i], "--state") == 0) state = value, i++;
    else if (strcmp(argv[i], "--sweep") == 0) prefix = value, i++;
    else if (strcmp(argv[i], "--rounds") == 0) rounds = atoi(value), i++;
    else if (strcmp(argv[i], "--warm-up") == 0) warm_up = atoi(value), i++;
    else if (strcmp(argv[i], "--cold") == 0) cold = 1;
    else if (strcmp(argv[i], "--inspect") == 0) inspect = 1;
    else if (strcmp(argv[i], "--peaks") == 0) peaks = 1;
    else plan = argv[i];
  }
  if (prefix && !*prefix) prefix = NULL; /* would mean every cgroup of the machine */
  handle_signals();
  show_cgroups(view);
  if (plan) {
    if (state && mount("tmpfs", state, "tmpfs", MS_NOSUID | MS_NODEV, "mode=700") < 0) die("mount", state);
    read_plan(plan);
    /* The results go out on a descriptor that no command inherits; the commands write to nowhere. */
    out = fcntl(1, F_DUPFD_CLOEXEC, 10);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (out < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0) die("redirect", "standard output");
    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0) die("prctl", "PR_SET_CHILD_SUBREAPER");
    if (strcmp(view, "none") != 0) find_own_cgroup();
    run_plan(rounds, warm_up);
  }
  if (prefix) sweep(prefix);
  return interrupted ? 130 : 0;
}
