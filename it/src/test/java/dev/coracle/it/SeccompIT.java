package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@ContainerTest
class SeccompIT {

  private static final int SYS_GETPRIORITY = 140;
  private static final int SYS_PERSONALITY = 135;
  private static final int SYS_SYNC = 162;

  private static String afterCall(Testbed bed, JsonObject seccomp, Object... call) {
    String[] args = new String[call.length + 1];
    args[0] = "syscall";
    for (int i = 0; i < call.length; i++) {
      args[i + 1] = call[i].toString();
    }
    return bed.outputOf(bed.bundle().probe(args).set("/linux/seccomp", seccomp));
  }

  private static JsonObject allowBut(JsonObject... rules) {
    return Json.object(
        "defaultAction",
        "SCMP_ACT_ALLOW",
        "architectures",
        List.of("SCMP_ARCH_X86_64"),
        "syscalls",
        rules);
  }

  @Test
  void aNamedCallFailsWithEperm(Testbed bed) {
    JsonObject rule =
        Json.object("names", List.of("sync", "getpriority"), "action", "SCMP_ACT_ERRNO");
    assertThat(afterCall(bed, allowBut(rule), SYS_SYNC)).isEqualTo("-1 EPERM");
    assertThat(afterCall(bed, allowBut(rule), SYS_PERSONALITY, "0xffffffff")).isEqualTo("0 OK");
  }

  /** Filters that are older than the calls by which a program is looked for must still do. */
  @Test
  void aProgramIsFoundBehindAnOldFilter(Testbed bed) {
    JsonObject rule =
        Json.object(
            "names",
            List.of("statx", "faccessat2", "openat2", "close_range"),
            "action",
            "SCMP_ACT_ERRNO");
    for (String program : List.of("echo", "/bin/echo")) {
      Bundle bundle = bed.bundle().args(program, "found").set("/linux/seccomp", allowBut(rule));
      bundle.set("/process/noNewPrivileges", false);
      assertThat(bed.outputOf(bundle)).isEqualTo("found");
    }
    Bundle bundle = bed.bundle().args("/bin").set("/linux/seccomp", allowBut(rule));
    bundle.set("/process/noNewPrivileges", false);
    bed.createCommand(bundle).execute().exitsWith(1);
  }

  @Test
  void errnoRetIsTheErrno(Testbed bed) {
    JsonObject rule =
        Json.object("names", List.of("sync"), "action", "SCMP_ACT_ERRNO", "errnoRet", 22);
    assertThat(afterCall(bed, allowBut(rule), SYS_SYNC)).isEqualTo("-1 EINVAL");
  }

  @Test
  void anArgumentDecides(Testbed bed) {
    JsonObject rule =
        Json.object(
            "names",
            List.of("personality"),
            "action",
            "SCMP_ACT_ERRNO",
            "errnoRet",
            13,
            "args",
            List.of(Json.object("index", 0, "value", 8, "op", "SCMP_CMP_EQ")));
    assertThat(afterCall(bed, allowBut(rule), SYS_PERSONALITY, 8)).isEqualTo("-1 EACCES");
    assertThat(afterCall(bed, allowBut(rule), SYS_PERSONALITY, 0)).isEqualTo("0 OK");
  }

  /** The call tried is getpriority(which, who), whose own answer to a wrong which is EINVAL. */
  @ParameterizedTest
  @CsvSource({
    "SCMP_CMP_NE, 100, 0, 100, 101",
    "SCMP_CMP_LT, 100, 0, 100, 99",
    "SCMP_CMP_LE, 100, 0, 101, 100",
    "SCMP_CMP_EQ, 100, 0, 101, 100",
    "SCMP_CMP_GE, 100, 0, 99, 100",
    "SCMP_CMP_GT, 100, 0, 100, 101",
    "SCMP_CMP_MASKED_EQ, 0xf0, 0x50, 0x65, 0x5f",
  })
  void operators(
      String op, String value, String valueTwo, String passes, String caught, Testbed bed) {
    JsonObject rule =
        Json.object(
            "names",
            List.of("getpriority"),
            "action",
            "SCMP_ACT_ERRNO",
            "errnoRet",
            42,
            "args",
            List.of(
                Json.object(
                    "index",
                    1,
                    "value",
                    Long.decode(value),
                    "valueTwo",
                    Long.decode(valueTwo),
                    "op",
                    op)));
    assertThat(afterCall(bed, allowBut(rule), SYS_GETPRIORITY, 77, passes)).isEqualTo("-1 EINVAL");
    assertThat(afterCall(bed, allowBut(rule), SYS_GETPRIORITY, 77, caught)).isEqualTo("-1 ENOMSG");
  }

  @Test
  void argumentsOf64BitsAreCompared(Testbed bed) {
    JsonObject rule =
        Json.object(
            "names",
            List.of("getpriority"),
            "action",
            "SCMP_ACT_ERRNO",
            "errnoRet",
            42,
            "args",
            List.of(Json.object("index", 1, "value", 0x100000001L, "op", "SCMP_CMP_EQ")));
    assertThat(afterCall(bed, allowBut(rule), SYS_GETPRIORITY, 77, "0x100000001"))
        .isEqualTo("-1 ENOMSG");
    assertThat(afterCall(bed, allowBut(rule), SYS_GETPRIORITY, 77, "1")).isEqualTo("-1 EINVAL");
  }

  @Test
  void killEndsTheProcess(Testbed bed) {
    JsonObject rule = Json.object("names", List.of("sync"), "action", "SCMP_ACT_KILL_PROCESS");
    Bundle bundle =
        bed.bundle().probe("syscall", "" + SYS_SYNC).set("/linux/seccomp", allowBut(rule));
    bed.run(bundle).exitsWith(159); // SIGSYS
  }

  @Test
  void theFilterIsInstalled(Testbed bed) {
    JsonObject rule = Json.object("names", List.of("sync"), "action", "SCMP_ACT_ERRNO");
    for (boolean noNewPrivileges : new boolean[] {true, false}) {
      Bundle bundle = bed.bundle().sh("grep ^Seccomp: /proc/self/status | tr -s '\\t' ' '");
      bundle.set("/process/noNewPrivileges", noNewPrivileges).set("/linux/seccomp", allowBut(rule));
      assertThat(bed.outputOf(bundle)).isEqualTo("Seccomp: 2");
    }
  }

  @Test
  void execIsFilteredToo(Testbed bed) {
    JsonObject rule = Json.object("names", List.of("sync"), "action", "SCMP_ACT_ERRNO");
    Bundle bundle = bed.bundle().lasting().addProbe().set("/linux/seccomp", allowBut(rule));
    try (Container c = bed.start(bundle)) {
      assertThat(c.exec("/bin/probe", "syscall", "" + SYS_SYNC).ok().line()).isEqualTo("-1 EPERM");
    }
  }

  @Test
  void anUnknownActionIsAnError(Testbed bed) {
    bed.run(bed.bundle().set("/linux/seccomp", Json.object("defaultAction", "SCMP_ACT_SMILE")))
        .exitsWith(1);
  }

  @Test
  void anUnknownOperatorIsAnError(Testbed bed) {
    JsonObject rule =
        Json.object(
            "names",
            List.of("sync"),
            "action",
            "SCMP_ACT_ERRNO",
            "args",
            List.of(Json.object("index", 0, "value", 0, "op", "SCMP_CMP_ISH")));
    bed.run(bed.bundle().set("/linux/seccomp", allowBut(rule))).exitsWith(1);
  }

  @Test
  void anUnknownNameIsPassedOver(Testbed bed) {
    JsonObject rule =
        Json.object("names", List.of("no_such_call", "sync"), "action", "SCMP_ACT_ERRNO");
    assertThat(afterCall(bed, allowBut(rule), SYS_SYNC)).isEqualTo("-1 EPERM");
  }

  @Unsupported(runtime = "runc", reason = "1.1.5 passes it over")
  @Test
  void errnoRetWithAnotherActionIsAnError(Testbed bed) {
    JsonObject rule =
        Json.object("names", List.of("sync"), "action", "SCMP_ACT_KILL", "errnoRet", 5);
    bed.run(bed.bundle().set("/linux/seccomp", allowBut(rule))).fails();
  }

  @Test
  void theDefaultActionHoldsForTheRest(Testbed bed) {
    // A list long enough for the probe: everything but sync.
    JsonObject seccomp =
        Json.object(
            "defaultAction",
            "SCMP_ACT_ERRNO",
            "defaultErrnoRet",
            1,
            "syscalls",
            List.of(Json.object("names", COMMON, "action", "SCMP_ACT_ALLOW")));
    assertThat(afterCall(bed, seccomp, SYS_SYNC)).isEqualTo("-1 EPERM");
  }

  /** So that a C library falls back to the calls of older kernels. */
  @Unsupported(runtime = "crun", reason = "1.8.1 gives them the default action")
  @Test
  void aCallThatIsNewerThanTheProfileIsNotThere(Testbed bed) {
    JsonObject seccomp =
        Json.object(
            "defaultAction",
            "SCMP_ACT_ERRNO",
            "defaultErrnoRet",
            1,
            "architectures",
            List.of("SCMP_ARCH_X86_64"),
            "syscalls",
            List.of(Json.object("names", COMMON, "action", "SCMP_ACT_ALLOW")));
    // The newest that the profile names is faccessat2, 439.
    assertThat(afterCall(bed, seccomp, 440)).isEqualTo("-1 ENOSYS");
    assertThat(afterCall(bed, seccomp, 999)).isEqualTo("-1 ENOSYS");
    assertThat(afterCall(bed, seccomp, 438)).isEqualTo("-1 EPERM");
  }

  @Unsupported(
      runtime = "runc",
      reason = "1.1.5 does not support flags",
      expect = Unsupported.Expect.EITHER)
  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "SECCOMP_FILTER_FLAG_LOG",
        "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
        "SECCOMP_FILTER_FLAG_TSYNC,SECCOMP_FILTER_FLAG_LOG,SECCOMP_FILTER_FLAG_SPEC_ALLOW"
      })
  void theKernelTakesTheFlags(String flags, Testbed bed) {
    JsonObject seccomp =
        allowBut(Json.object("names", List.of("sync"), "action", "SCMP_ACT_ERRNO"));
    JsonArray all = new JsonArray();
    if (!flags.isEmpty()) {
      List.of(flags.split(",", -1)).forEach(all::add);
    }
    seccomp.add("flags", all);
    assertThat(afterCall(bed, seccomp, SYS_SYNC)).isEqualTo("-1 EPERM");
  }

  @Test
  void callsOf32BitsAreFilteredByTheirOwnNumbers(Testbed bed) throws IOException {
    String cpu = Files.readString(Path.of("/proc/cpuinfo"));
    assumeFalse(cpu.contains("User Mode Linux"), "it has no calls of 32 bits");
    // A kernel may be built with them and started without: then this ends by SIGSEGV.
    assumeTrue(
        bed.run(bed.bundle().probe("int80", "64")).exitCode() == 0,
        "this kernel has no calls of 32 bits (ia32_emulation)");
    JsonObject rule =
        Json.object("names", List.of("getpriority"), "action", "SCMP_ACT_ERRNO", "errnoRet", 42);
    JsonObject both = allowBut(rule);
    both.getAsJsonArray("architectures").add("SCMP_ARCH_X86");
    // getpriority is 96 on x86, getppid 64.
    Bundle caught = bed.bundle().probe("int80", "96").set("/linux/seccomp", both);
    assertThat(bed.outputOf(caught)).isEqualTo("-42");
    Bundle passes = bed.bundle().probe("int80", "64").set("/linux/seccomp", both);
    assertThat(bed.outputOf(passes)).isEqualTo("0");
    Bundle unlisted = bed.bundle().probe("int80", "64").set("/linux/seccomp", allowBut(rule));
    bed.run(unlisted).exitsWith(159); // SIGSYS
  }

  @Test
  void callsOfX32AreKilledUnlessListed(Testbed bed) {
    JsonObject rule = Json.object("names", List.of("sync"), "action", "SCMP_ACT_ERRNO");
    String sync = "" + (0x40000000 | SYS_SYNC);
    bed.run(bed.bundle().probe("syscall", sync).set("/linux/seccomp", allowBut(rule)))
        .exitsWith(159);
    JsonObject both = allowBut(rule);
    both.getAsJsonArray("architectures").add("SCMP_ARCH_X32");
    assertThat(afterCall(bed, both, sync)).isEqualTo("-1 EPERM");
  }

  /** What no machine like this one can run is no mistake: profiles list it. */
  @Unsupported(runtime = "runc", reason = "1.1.5 does not know RISCV64")
  @Unsupported(runtime = "crun", reason = "1.8.1 does not know all of them")
  @Test
  void architecturesOfOtherMachinesAreTaken(Testbed bed) {
    JsonObject seccomp =
        allowBut(Json.object("names", List.of("sync"), "action", "SCMP_ACT_ERRNO"));
    for (String other : List.of("ARM", "AARCH64", "MIPS64", "PPC64LE", "S390X", "RISCV64")) {
      seccomp.getAsJsonArray("architectures").add("SCMP_ARCH_" + other);
    }
    assertThat(afterCall(bed, seccomp, SYS_SYNC)).isEqualTo("-1 EPERM");
  }

  private static final List<String> COMMON =
      List.of(
          "execve",
          "execveat",
          "brk",
          "arch_prctl",
          "set_tid_address",
          "set_robust_list",
          "rseq",
          "prlimit64",
          "readlink",
          "readlinkat",
          "getrandom",
          "mprotect",
          "mmap",
          "munmap",
          "newfstatat",
          "fstat",
          "stat",
          "write",
          "exit_group",
          "exit",
          "read",
          "close",
          "close_range",
          "openat",
          "uname",
          "futex",
          "prctl",
          "capset",
          "capget",
          "setuid",
          "setgid",
          "setgroups",
          "setresuid",
          "setresgid",
          "chdir",
          "fchdir",
          "getpid",
          "getppid",
          "rt_sigreturn",
          "rt_sigaction",
          "rt_sigprocmask",
          "fcntl",
          "lseek",
          "getcwd",
          "umask",
          "faccessat",
          "faccessat2",
          "getdents64",
          "epoll_ctl",
          "epoll_pwait",
          "nanosleep",
          "sched_yield",
          "sigaltstack",
          "mremap",
          "madvise",
          "tgkill",
          "gettid",
          "getuid",
          "geteuid",
          "getgid",
          "getegid",
          "seccomp",
          "poll",
          "dup3",
          "dup2",
          "fstatfs",
          "statx");
}
