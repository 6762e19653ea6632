/*
 * The C floor: the system calls of a container's life and nothing around them. No JSON, no checks, no
 * messages; every decision was made when this was compiled. It sets up what the bench's bundle asks for
 * (see Bundle.java), so the two must change together.
 *
 *   floor run    VIEW FLAGS ROOTFS CGROUP ARGV...                   one process: set up, wait, clean up
 *   floor create VIEW FLAGS ROOTFS CGROUP STATE PIDFILE ARGV...     three processes, as a runtime has:
 *   floor start  STATE                                              create returns when the child is
 *   floor delete VIEW CGROUP STATE                                  parked, start lets it go
 *
 * VIEW is "v2", or "v1:" and the names of the hierarchies below /sys/fs/cgroup with ':' between.
 * FLAGS has 't' for a time namespace, 'd' for device rules, '-' for neither.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define CGROUPS "/sys/fs/cgroup"
#define HIERARCHIES_MAX 32
#define FAILED 125 /* not a status that a workload of the bench exits with */

extern char **environ;

/* One container, as read from the command line. */
struct container {
  const char *hierarchies[HIERARCHIES_MAX]; /* of cgroup v1; none for v2 */
  int hierarchy_count;
  int time_namespace;
  int device_rules;
  const char *rootfs;
  const char *cgroup;
  char **argv;
};

static void die(const char *what, const char *which) {
  dprintf(2, "floor: %s %s: %s\n", what, which, strerror(errno));
  _exit(FAILED);
}

static void check(long result, const char *what, const char *which) {
  if (result < 0) die(what, which);
}

static void write_file(const char *path, const char *text, size_t length) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write(fd, text, length) != (ssize_t)length) die("write", path);
  close(fd);
}

static void cgroup_path(char *out, const char *hierarchy, const char *cgroup, const char *file) {
  snprintf(out, PATH_MAX, CGROUPS "%s%s/%s%s%s", *hierarchy ? "/" : "", hierarchy, cgroup,
           *file ? "/" : "", file);
}

/* ---- device rules: what runc and crun allow every container, after "deny all" -------------------- */

struct device_rule {
  char type;
  int major, minor; /* -1 is any */
  int access;       /* BPF_DEVCG_ACC_ bits */
  const char *v1;   /* the same for devices.allow */
};
#define RWM (BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE | BPF_DEVCG_ACC_MKNOD)
static const struct device_rule DEVICE_RULES[] = {
    {'c', -1, -1, BPF_DEVCG_ACC_MKNOD, "c *:* m"}, {'b', -1, -1, BPF_DEVCG_ACC_MKNOD, "b *:* m"},
    {'c', 1, 3, RWM, "c 1:3 rwm"},                 {'c', 1, 8, RWM, "c 1:8 rwm"},
    {'c', 1, 7, RWM, "c 1:7 rwm"},                 {'c', 5, 0, RWM, "c 5:0 rwm"},
    {'c', 1, 5, RWM, "c 1:5 rwm"},                 {'c', 1, 9, RWM, "c 1:9 rwm"},
    {'c', 136, -1, RWM, "c 136:* rwm"},            {'c', 5, 2, RWM, "c 5:2 rwm"},
};
#define DEVICE_RULE_COUNT (int)(sizeof DEVICE_RULES / sizeof *DEVICE_RULES)

static void write_device_rules(const char *hierarchy, const char *cgroup) {
  char path[PATH_MAX];
  cgroup_path(path, hierarchy, cgroup, "devices.deny");
  write_file(path, "a", 1);
  cgroup_path(path, hierarchy, cgroup, "devices.allow");
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  check(fd, "open", path);
  for (int i = 0; i < DEVICE_RULE_COUNT; i++)
    check(write(fd, DEVICE_RULES[i].v1, strlen(DEVICE_RULES[i].v1)), "write", path);
  close(fd);
}

/* cgroup v2 has no device files: the same list as a program of at most 9 instructions for each rule. */
static void attach_device_program(int cgroup_fd) {
  struct bpf_insn code[8 + 9 * DEVICE_RULE_COUNT];
  int n = 0;
#define EMIT(c, dst, src, o, i) \
  code[n++] = (struct bpf_insn){.code = (c), .dst_reg = (dst), .src_reg = (src), .off = (o), .imm = (i)}
  EMIT(BPF_LDX | BPF_MEM | BPF_W, 2, 1, 0, 0); /* r2 = type */
  EMIT(BPF_ALU | BPF_AND | BPF_K, 2, 0, 0, 0xffff);
  EMIT(BPF_LDX | BPF_MEM | BPF_W, 3, 1, 0, 0); /* r3 = access */
  EMIT(BPF_ALU | BPF_RSH | BPF_K, 3, 0, 0, 16);
  EMIT(BPF_LDX | BPF_MEM | BPF_W, 4, 1, 4, 0); /* r4 = major */
  EMIT(BPF_LDX | BPF_MEM | BPF_W, 5, 1, 8, 0); /* r5 = minor */
  for (int i = 0; i < DEVICE_RULE_COUNT; i++) {
    const struct device_rule *r = &DEVICE_RULES[i];
    int first = n;
    EMIT(BPF_JMP | BPF_JNE | BPF_K, 2, 0, 0, r->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
    if (r->access != RWM) {
      EMIT(BPF_ALU | BPF_MOV | BPF_X, 0, 3, 0, 0);
      EMIT(BPF_ALU | BPF_AND | BPF_K, 0, 0, 0, RWM & ~r->access);
      EMIT(BPF_JMP | BPF_JNE | BPF_K, 0, 0, 0, 0);
    }
    if (r->major >= 0) EMIT(BPF_JMP | BPF_JNE | BPF_K, 4, 0, 0, r->major);
    if (r->minor >= 0) EMIT(BPF_JMP | BPF_JNE | BPF_K, 5, 0, 0, r->minor);
    EMIT(BPF_ALU | BPF_MOV | BPF_K, 0, 0, 0, 1);
    EMIT(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
    for (int j = first; j < n; j++) /* a rule that does not match goes on to the next */
      if (code[j].code == (BPF_JMP | BPF_JNE | BPF_K)) code[j].off = (short)(n - j - 1);
  }
  EMIT(BPF_ALU | BPF_MOV | BPF_K, 0, 0, 0, 0);
  EMIT(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
  union bpf_attr load = {.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
                         .insn_cnt = (unsigned)n,
                         .insns = (uintptr_t)code,
                         .license = (uintptr_t) "Apache-2.0"};
  int program = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof load);
  check(program, "bpf", "BPF_PROG_LOAD");
  union bpf_attr attach = {.target_fd = (unsigned)cgroup_fd,
                           .attach_bpf_fd = (unsigned)program,
                           .attach_type = BPF_CGROUP_DEVICE,
                           .attach_flags = BPF_F_ALLOW_MULTI};
  check(syscall(SYS_bpf, BPF_PROG_ATTACH, &attach, sizeof attach), "bpf", "BPF_PROG_ATTACH");
  close(program);
}

/* ---- cgroups -------------------------------------------------------------------------------------- */

/* A v1 cpuset starts empty and takes no task before it has processors and memory nodes. */
static void fill_cpuset(const char *hierarchy, const char *cgroup) {
  static const char *const FILES[] = {"cpuset.cpus", "cpuset.mems"};
  for (int i = 0; i < 2; i++) {
    char path[PATH_MAX], value[4096];
    snprintf(path, sizeof path, CGROUPS "/%s/%s", hierarchy, FILES[i]);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    check(fd, "open", path);
    ssize_t length = read(fd, value, sizeof value);
    check(length, "read", path);
    close(fd);
    cgroup_path(path, hierarchy, cgroup, FILES[i]);
    write_file(path, value, (size_t)length);
  }
}

/* Makes the cgroups; for v2 returns a descriptor that clone3 puts the child into. */
static int make_cgroups(const struct container *c) {
  char path[PATH_MAX];
  if (c->hierarchy_count == 0) {
    cgroup_path(path, "", c->cgroup, "");
    check(mkdir(path, 0755), "mkdir", path);
    int fd = open(path, (c->device_rules ? O_RDONLY : O_PATH) | O_DIRECTORY | O_CLOEXEC);
    check(fd, "open", path);
    if (c->device_rules) attach_device_program(fd);
    return fd;
  }
  for (int i = 0; i < c->hierarchy_count; i++) {
    const char *hierarchy = c->hierarchies[i];
    cgroup_path(path, hierarchy, c->cgroup, "");
    check(mkdir(path, 0755), "mkdir", path);
    if (strcmp(hierarchy, "cpuset") == 0) fill_cpuset(hierarchy, c->cgroup);
    if (strcmp(hierarchy, "devices") == 0 && c->device_rules) write_device_rules(hierarchy, c->cgroup);
  }
  return -1;
}

/*
 * Moves the calling thread. The file `tasks` with 0 is the cheap way: a single thread that moves itself
 * needs no cgroup_threadgroup_rwsem, for which `cgroup.procs` waits an RCU grace period.
 */
static void join_cgroups_v1(const struct container *c) {
  char path[PATH_MAX];
  for (int i = 0; i < c->hierarchy_count; i++) {
    cgroup_path(path, c->hierarchies[i], c->cgroup, "tasks");
    write_file(path, "0", 1);
  }
}

static void remove_cgroups(const struct container *c) {
  char path[PATH_MAX];
  cgroup_path(path, "", c->cgroup, "");
  if (c->hierarchy_count == 0) check(rmdir(path), "rmdir", path);
  for (int i = 0; i < c->hierarchy_count; i++) {
    cgroup_path(path, c->hierarchies[i], c->cgroup, "");
    check(rmdir(path), "rmdir", path);
  }
}

/* ---- inside the container ------------------------------------------------------------------------- */

static void mount_at(const char *source, const char *target, const char *type, unsigned long flags,
                     const char *data) {
  check(mount(source, target, type, flags, data), "mount", target);
}

static void make_dev(void) {
  static const struct { const char *path; int major, minor; } NODES[] = {
      {"dev/null", 1, 3},   {"dev/zero", 1, 5},    {"dev/full", 1, 7},
      {"dev/random", 1, 8}, {"dev/urandom", 1, 9}, {"dev/tty", 5, 0},
  };
  static const char *const LINKS[][2] = {
      {"/proc/self/fd", "dev/fd"},       {"/proc/self/fd/0", "dev/stdin"},
      {"/proc/self/fd/1", "dev/stdout"}, {"/proc/self/fd/2", "dev/stderr"},
      {"pts/ptmx", "dev/ptmx"},
  };
  for (size_t i = 0; i < sizeof NODES / sizeof *NODES; i++)
    check(mknod(NODES[i].path, S_IFCHR | 0666, makedev(NODES[i].major, NODES[i].minor)), "mknod",
          NODES[i].path);
  for (size_t i = 0; i < sizeof LINKS / sizeof *LINKS; i++)
    check(symlink(LINKS[i][0], LINKS[i][1]), "symlink", LINKS[i][1]);
}

static void mount_cgroups(const struct container *c) {
  const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RELATIME | MS_RDONLY;
  if (c->hierarchy_count == 0) {
    mount_at("cgroup", "sys/fs/cgroup", "cgroup2", flags, NULL);
    return;
  }
  mount_at("tmpfs", "sys/fs/cgroup", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=755");
  for (int i = 0; i < c->hierarchy_count; i++) {
    char target[PATH_MAX];
    const char *name = c->hierarchies[i];
    snprintf(target, sizeof target, "sys/fs/cgroup/%s", name);
    check(mkdir(target, 0755), "mkdir", target);
    /* The only hierarchy without a controller that machines have; its directory lacks the prefix. */
    mount_at("cgroup", target, "cgroup", flags, strcmp(name, "systemd") ? name : "none,name=systemd");
  }
  mount_at(NULL, "sys/fs/cgroup", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
           NULL);
}

static void make_root(const struct container *c) {
  const unsigned long hard = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  mount_at(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
  mount_at(c->rootfs, c->rootfs, NULL, MS_BIND | MS_REC, NULL);
  check(chdir(c->rootfs), "chdir", c->rootfs);
  mount_at("proc", "proc", "proc", 0, NULL);
  mount_at("tmpfs", "dev", "tmpfs", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k");
  check(mkdir("dev/pts", 0755), "mkdir", "dev/pts");
  mount_at("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5");
  check(mkdir("dev/shm", 0755), "mkdir", "dev/shm");
  mount_at("shm", "dev/shm", "tmpfs", hard, "mode=1777,size=65536k");
  check(mkdir("dev/mqueue", 0755), "mkdir", "dev/mqueue");
  mount_at("mqueue", "dev/mqueue", "mqueue", hard, NULL);
  mount_at("sysfs", "sys", "sysfs", hard | MS_RDONLY, NULL);
  mount_cgroups(c);
  make_dev();
  check(syscall(SYS_pivot_root, ".", "."), "pivot_root", c->rootfs);
  check(umount2(".", MNT_DETACH), "umount2", "the old root");
  check(chdir("/"), "chdir", "/");
  mount_at(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL);
}

static void hide_paths(void) {
  static const char *const MASKED[] = {"/proc/acpi",       "/proc/asound",      "/proc/kcore",
                                       "/proc/keys",       "/proc/latency_stats", "/proc/timer_list",
                                       "/proc/timer_stats", "/proc/sched_debug", "/sys/firmware",
                                       "/proc/scsi"};
  static const char *const READONLY[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                                         "/proc/sysrq-trigger"};
  for (size_t i = 0; i < sizeof MASKED / sizeof *MASKED; i++) {
    if (mount("/dev/null", MASKED[i], NULL, MS_BIND, NULL) == 0 || errno == ENOENT) continue;
    if (errno != ENOTDIR) die("mask", MASKED[i]);
    mount_at("tmpfs", MASKED[i], "tmpfs", MS_RDONLY, "nr_blocks=1,nr_inodes=1");
  }
  for (size_t i = 0; i < sizeof READONLY / sizeof *READONLY; i++) {
    if (mount(READONLY[i], READONLY[i], NULL, MS_BIND | MS_REC, NULL) < 0) {
      if (errno != ENOENT) die("bind", READONLY[i]);
      continue;
    }
    mount_at(NULL, READONLY[i], NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL);
  }
}

static void drop_privileges(void) {
  const unsigned kept = 1u << CAP_AUDIT_WRITE | 1u << CAP_KILL | 1u << CAP_NET_BIND_SERVICE;
  const struct rlimit files = {1024, 1024};
  check(setrlimit(RLIMIT_NOFILE, &files), "setrlimit", "RLIMIT_NOFILE");
  for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
    if (cap > 31 || !(kept >> cap & 1)) check(prctl(PR_CAPBSET_DROP, cap, 0, 0, 0), "prctl", "PR_CAPBSET_DROP");
  check(syscall(SYS_setgroups, 0, NULL), "setgroups", "none");
  check(syscall(SYS_setresgid, 0, 0, 0), "setresgid", "0");
  check(syscall(SYS_setresuid, 0, 0, 0), "setresuid", "0");
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2] = {{kept, kept, 0}, {0, 0, 0}};
  check(syscall(SYS_capset, &header, data), "capset", "3 capabilities");
  check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl", "PR_SET_NO_NEW_PRIVS");
}

/* The child: never returns. The FIFO is -1 when nobody is to release it. */
static void be_container(const struct container *c, int ready, int fifo) {
  char byte = 0;
  join_cgroups_v1(c);
  /* Only now: a cgroup namespace's root is the cgroup that its maker is in at that moment. */
  check(unshare(CLONE_NEWCGROUP), "unshare", "CLONE_NEWCGROUP");
  check(setsid(), "setsid", "");
  check(sethostname("bench", 5), "sethostname", "bench");
  umask(0);
  make_root(c);
  umask(022);
  hide_paths();
  drop_privileges();
  check(syscall(SYS_close_range, 3, ~0u, 4 /* CLOSE_RANGE_CLOEXEC */), "close_range", "3");
  if (fifo >= 0) {
    check(write(ready, &byte, 1), "write", "ready");
    check(read(fifo, &byte, 1), "read", "fifo");
  }
  execve(c->argv[0], c->argv, environ);
  die("execve", c->argv[0]);
}

static pid_t spawn(const struct container *c, int ready, int fifo) {
  int cgroup = make_cgroups(c);
  struct clone_args args = {.flags = CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS,
                            .exit_signal = SIGCHLD};
  if (c->time_namespace) args.flags |= CLONE_NEWTIME;
  if (cgroup >= 0) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = (unsigned)cgroup;
  }
  long pid = syscall(SYS_clone3, &args, sizeof args);
  check(pid, "clone3", "");
  if (pid == 0) be_container(c, ready, fifo);
  return (pid_t)pid;
}

/* ---- the verbs ------------------------------------------------------------------------------------ */

static int run(const struct container *c) {
  int status;
  pid_t pid = spawn(c, -1, -1);
  check(waitpid(pid, &status, 0), "waitpid", "");
  remove_cgroups(c);
  return WIFEXITED(status) ? WEXITSTATUS(status) : FAILED;
}

static void save(const char *path, const char *text, int length) {
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0 || write(fd, text, (size_t)length) != length) die("write", path);
  close(fd);
}

static int create(const struct container *c, const char *state, const char *pid_file) {
  char path[PATH_MAX], text[16], byte;
  int ready[2];
  check(mkdir(state, 0711), "mkdir", state);
  snprintf(path, sizeof path, "%s/fifo", state);
  check(mkfifo(path, 0600), "mkfifo", path);
  /* For reading and writing, so that neither this open nor that of `start` waits for the other side. */
  int fifo = open(path, O_RDWR | O_CLOEXEC);
  check(fifo, "open", path);
  check(pipe2(ready, O_CLOEXEC), "pipe2", "");
  pid_t pid = spawn(c, ready[1], fifo);
  close(ready[1]);
  if (read(ready[0], &byte, 1) != 1) return FAILED; /* the child has said why */
  int length = snprintf(text, sizeof text, "%d", (int)pid);
  snprintf(path, sizeof path, "%s/state", state);
  save(path, text, length);
  save(pid_file, text, length);
  return 0;
}

static int start(const char *state) {
  char path[PATH_MAX], byte = 0;
  snprintf(path, sizeof path, "%s/fifo", state);
  int fifo = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  check(fifo, "open", path);
  check(write(fifo, &byte, 1), "write", path);
  check(unlink(path), "unlink", path);
  return 0;
}

static int delete(const struct container *c, const char *state) {
  char path[PATH_MAX], text[16] = "";
  snprintf(path, sizeof path, "%s/state", state);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || read(fd, text, sizeof text - 1) <= 0) die("read", path);
  if (kill(atoi(text), 0) == 0) return FAILED; /* still running */
  remove_cgroups(c);
  check(unlink(path), "unlink", path);
  check(rmdir(state), "rmdir", state);
  return 0;
}

static void read_view(struct container *c, char *view) {
  if (strncmp(view, "v1:", 3) != 0) return;
  for (char *name = strtok(view + 3, ":"); name && c->hierarchy_count < HIERARCHIES_MAX; name = strtok(NULL, ":"))
    c->hierarchies[c->hierarchy_count++] = name;
}

int main(int argc, char **argv) {
  struct container c = {0};
  const char *verb = argc > 1 ? argv[1] : "";
  if (strcmp(verb, "start") == 0 && argc == 3) return start(argv[2]);
  if (strcmp(verb, "delete") == 0 && argc == 5) {
    read_view(&c, argv[2]);
    c.cgroup = argv[3];
    return delete(&c, argv[4]);
  }
  int creates = strcmp(verb, "create") == 0 && argc > 8;
  if (!creates && !(strcmp(verb, "run") == 0 && argc > 6)) {
    dprintf(2, "usage: see the head of floor.c\n");
    return FAILED;
  }
  read_view(&c, argv[2]);
  c.time_namespace = strchr(argv[3], 't') != NULL;
  c.device_rules = strchr(argv[3], 'd') != NULL;
  c.rootfs = argv[4];
  c.cgroup = argv[5];
  c.argv = argv + (creates ? 8 : 6);
  return creates ? create(&c, argv[6], argv[7]) : run(&c);
}
