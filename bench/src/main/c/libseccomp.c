/*
 * What runc and crun do with a profile, and nothing else: rules for libseccomp, and its program written to nowhere.
 *
 *   libseccomp            starts and ends
 *   libseccomp PROFILE    compiles a profile; the fields of its lines are separated by tabs:
 *     default  ACTION
 *     arch     TOKEN
 *     rule     ACTION  NAME  [INDEX  OPERATOR  VALUE  VALUE_TWO]...
 * Numbers are those of seccomp.h, so that no time goes into words that a runtime must look up as well.
 */
#include <fcntl.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE = 512, ARGS = 6 };

static int fail(const char *what, const char *which) {
  fprintf(stderr, "libseccomp: %s: %s\n", what, which);
  return 1;
}

static uint64_t number(void) {
  char *word = strtok(NULL, "\t\n");
  return word ? strtoull(word, NULL, 0) : 0;
}

static int add_rule(scmp_filter_ctx filter) {
  uint32_t action = (uint32_t)number();
  char *name = strtok(NULL, "\t\n");
  if (!name) return -1;
  int call = seccomp_syscall_resolve_name(name);
  if (call == __NR_SCMP_ERROR) return 0; /* unknown to this version: passed over, as runtimes do */
  struct scmp_arg_cmp args[ARGS];
  unsigned count = 0;
  for (char *index; count < ARGS && (index = strtok(NULL, "\t\n")); count++) {
    args[count].arg = (unsigned)atoi(index);
    args[count].op = (enum scmp_compare)number();
    args[count].datum_a = number();
    args[count].datum_b = number();
  }
  return seccomp_rule_add_array(filter, action, call, count, args);
}

int main(int argc, char **argv) {
  if (argc < 2) return 0;
  FILE *file = fopen(argv[1], "re");
  if (!file) return fail("cannot open", argv[1]);
  scmp_filter_ctx filter = NULL;
  char line[LINE];
  while (fgets(line, sizeof line, file)) {
    char *kind = strtok(line, "\t\n");
    if (!kind) continue;
    if (strcmp(kind, "default") == 0) {
      filter = seccomp_init((uint32_t)number());
      if (!filter) return fail("cannot begin", argv[1]);
    } else if (strcmp(kind, "arch") == 0) {
      uint32_t arch = (uint32_t)number();
      if (seccomp_arch_exist(filter, arch) < 0 && seccomp_arch_add(filter, arch) < 0) return fail("no such", "architecture");
    } else if (add_rule(filter) < 0) {
      return fail("cannot add", "a rule");
    }
  }
  int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (!filter || seccomp_export_bpf(filter, nowhere) < 0) return fail("cannot compile", argv[1]);
  return 0;
}
