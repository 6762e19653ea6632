package dev.coracle.seccomp;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.json.Json;
import dev.coracle.json.JsonParser;
import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.property.linux.SeccompFilter;
import dev.coracle.spec.Seccomp;
import dev.coracle.spec.Seccomp.Arg;
import dev.coracle.spec.Seccomp.Rule;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SeccompCompilerTest {
  private static final int X86_64 = 0xc000003e;
  private static final int I386 = 0x40000003;
  private static final int AARCH64 = 0xc00000b7;
  private static final int ALLOW = 0x7fff0000;
  private static final int EPERM = 0x00050001;
  private static final int ENOSYS = 0x00050026;
  private static final int KILL = 0;
  private static final long[] NO_ARGS = new long[6];

  private static final List<String> ALL = List.of("SCMP_ARCH_X86", "SCMP_ARCH_X32");
  private static final List<String> ACTIONS =
      List.of(
          "SCMP_ACT_KILL",
          "SCMP_ACT_KILL_PROCESS",
          "SCMP_ACT_TRAP",
          "SCMP_ACT_ERRNO",
          "SCMP_ACT_TRACE",
          "SCMP_ACT_ALLOW",
          "SCMP_ACT_LOG",
          Seccomp.NOTIFY);
  private static final List<String> OPERATORS =
      List.of("NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ");
  private static final List<String> NAMES =
      List.of(
          "read",
          "write",
          "open",
          "clone",
          "socket",
          "socketcall",
          "accept4",
          "recvmmsg",
          "semop",
          "semget",
          "shmctl",
          "ipc",
          "personality",
          "ioctl",
          "mmap",
          "mmap2",
          "clone3",
          "waitpid",
          "statx",
          "io_setup",
          "arch_prctl",
          "send",
          "bogus_call",
          "exit",
          "mseal");
  private static final long[] VALUES = {
    0,
    1,
    2,
    5,
    8,
    18,
    40,
    0xff,
    0x7fffffffL,
    0x80000000L,
    0xffffffffL,
    0x100000000L,
    0x100000001L,
    0x500000005L,
    Long.MIN_VALUE,
    Long.MAX_VALUE,
    -1
  };

  private final Random random = new Random(20261122);

  @Test
  void dockersDefaultProfileMeansWhatItSays() throws Exception {
    Seccomp profile = docker();
    byte[] program = SeccompCompiler.compile(profile, Abi.X86_64);
    assertThat(SeccompCompiler.instructions(program)).isLessThan(400);
    assertThat(SeccompCompiler.atMost(profile, Abi.X86_64))
        .as("no second compilation for the length")
        .isLessThanOrEqualTo(SeccompCompiler.MAX_INSTRUCTIONS);
    for (Abi nativeAbi : List.of(Abi.X86_64, Abi.AARCH64)) {
      compare(profile, nativeAbi, allNumbers());
    }
  }

  @Test
  void randomProfilesMeanWhatTheySay() {
    List<Integer> numbers = new ArrayList<>(List.of(0, 1, 500, 0x3fffffff, 0x40000000, -1, -2));
    for (String name : NAMES) {
      for (Abi abi : Abi.values()) {
        int number = (int) ProfileReader.number(name, abi);
        numbers.add(number);
        numbers.add(number + 1);
      }
    }
    for (int i = 0; i < 400; i++) {
      compare(randomProfile(8, NAMES), i % 4 == 3 ? Abi.AARCH64 : Abi.X86_64, numbers);
    }
  }

  @Test
  void programsLongerThanAJumpMeanWhatTheySay() {
    List<String> names = SyscallTableTest.names();
    List<Integer> numbers = allNumbers();
    for (int i = 0; i < 3; i++) {
      Seccomp profile = randomProfile(60, names);
      assertThat(SeccompCompiler.compile(profile, Abi.X86_64).length).isGreaterThan(4 * 255 * 8);
      compare(profile, Abi.X86_64, numbers);
    }
  }

  @Test
  void otherArchitecturesAndX32AreKilledWhereTheyAreNotListed() {
    BpfMachine m = machine(profile("SCMP_ACT_ALLOW", List.of()));
    assertThat(m.run(39, X86_64, NO_ARGS)).isEqualTo(ALLOW);
    assertThat(m.run(39, I386, NO_ARGS)).isEqualTo(KILL);
    assertThat(m.run(39, AARCH64, NO_ARGS)).isEqualTo(KILL);
    assertThat(m.run(0x40000000 + 39, X86_64, NO_ARGS)).isEqualTo(KILL);
    assertThat(m.run(-2, X86_64, NO_ARGS)).isEqualTo(KILL);
    assertThat(m.run(-1, X86_64, NO_ARGS)).as("a tracer's skipped call").isEqualTo(ALLOW);
    BpfMachine all = machine(profile("SCMP_ACT_ALLOW", ALL));
    assertThat(all.run(39, I386, NO_ARGS)).isEqualTo(ALLOW);
    assertThat(all.run(0x40000000 + 39, X86_64, NO_ARGS)).isEqualTo(ALLOW);
    assertThat(all.run(39, AARCH64, NO_ARGS)).isEqualTo(KILL);
  }

  @Test
  void callsNewerThanTheProfileDoNotExist() {
    Rule rule = rule("SCMP_ACT_ALLOW", List.of("read", "clone3"));
    for (String action : List.of("SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_TRAP")) {
      BpfMachine m = machine(profile(action, ALL, rule));
      assertThat(m.run(436, X86_64, NO_ARGS)).isEqualTo(ENOSYS);
      assertThat(m.run(0x40000000 + 436, X86_64, NO_ARGS)).isEqualTo(ENOSYS);
      assertThat(m.run(436, I386, NO_ARGS)).isEqualTo(ENOSYS);
      assertThat(m.run(434, X86_64, NO_ARGS)).isNotEqualTo(ENOSYS);
    }
    for (String action : List.of("SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_TRACE")) {
      BpfMachine m = machine(profile(action, ALL, rule));
      assertThat(m.run(436, X86_64, NO_ARGS)).isNotEqualTo(ENOSYS);
    }
    BpfMachine nothing = machine(profile("SCMP_ACT_ERRNO", ALL, rule("SCMP_ACT_ALLOW", "foo")));
    assertThat(nothing.run(436, X86_64, NO_ARGS)).isEqualTo(EPERM);
  }

  @Test
  void theFirstRuleWithoutConditionsWins() {
    Arg one = new Arg(0, 1, 0, "SCMP_CMP_EQ");
    Seccomp profile =
        profile(
            "SCMP_ACT_ERRNO",
            List.of(),
            rule("SCMP_ACT_TRAP", "read", one),
            rule("SCMP_ACT_ERRNO", "read"),
            rule("SCMP_ACT_ALLOW", "read"),
            rule("SCMP_ACT_LOG", "read"));
    long[] args = {1, 0, 0, 0, 0, 0};
    assertThat(machine(profile).run(0, X86_64, args)).isEqualTo(ALLOW);
  }

  @Test
  void conditionalRulesAreAskedInTheOrderOfLibseccomp() {
    Rule first = rule("SCMP_ACT_TRAP", "read", new Arg(0, 1, 0, "SCMP_CMP_EQ"));
    Rule later = rule("SCMP_ACT_LOG", "read", new Arg(1, 1, 0, "SCMP_CMP_EQ"));
    Rule longer =
        rule(
            "SCMP_ACT_ALLOW",
            "read",
            new Arg(1, 1, 0, "SCMP_CMP_EQ"),
            new Arg(2, 1, 0, "SCMP_CMP_EQ"));
    Rule same = rule("SCMP_ACT_TRACE", "read", new Arg(1, 1, 0, "SCMP_CMP_EQ"));
    long[] args = {1, 1, 1, 1, 1, 1};
    int log = 0x7ffc0000;
    assertThat(machine(profile("SCMP_ACT_KILL", List.of(), first, later)).run(0, X86_64, args))
        .as("the later argument first")
        .isEqualTo(log);
    assertThat(machine(profile("SCMP_ACT_KILL", List.of(), longer, later)).run(0, X86_64, args))
        .as("fewer conditions first")
        .isEqualTo(log);
    assertThat(machine(profile("SCMP_ACT_KILL", List.of(), later, same)).run(0, X86_64, args))
        .as("of two equal ones the first")
        .isEqualTo(log);
  }

  @Test
  void multiplexedCallsOfX86AreFound() {
    BpfMachine m =
        machine(profile("SCMP_ACT_ERRNO", ALL, rule("SCMP_ACT_ALLOW", List.of("send", "shmat"))));
    assertThat(m.run(102, I386, new long[] {9, 0, 0, 0, 0, 0})).isEqualTo(ALLOW);
    assertThat(m.run(102, I386, new long[] {8, 0, 0, 0, 0, 0})).isEqualTo(EPERM);
    assertThat(m.run(117, I386, new long[] {21, 0, 0, 0, 0, 0})).isEqualTo(ALLOW);
    assertThat(m.run(117, I386, new long[] {1, 0, 0, 0, 0, 0})).isEqualTo(EPERM);
    assertThat(m.run(397, I386, NO_ARGS)).isEqualTo(ALLOW);
    assertThat(m.run(30, X86_64, NO_ARGS)).isEqualTo(ALLOW);
  }

  @Test
  void multiplexedCallsAreToldByTheirNumbers() {
    List<String> names = new ArrayList<>(SyscallTableTest.names());
    names.addAll(List.of("send", "recv"));
    int calls = 0;
    for (String name : names) {
      if (Multiplexer.socketCall(name) + Multiplexer.ipcCall(name) > 0) {
        calls++;
        int number = (int) ProfileReader.number(name, Abi.X86);
        assertThat(Multiplexer.mayHave(number)).as(name).isTrue();
      }
    }
    assertThat(calls).isEqualTo(20 + 12);
  }

  @Test
  void errnoAndTraceCarryTheirData() {
    Rule errno = new Rule(List.of("read"), "SCMP_ACT_ERRNO", 22L, List.of(), 0);
    Rule trace = new Rule(List.of("write"), "SCMP_ACT_TRACE", 777L, List.of(), 1);
    Rule plain = rule("SCMP_ACT_ERRNO", "open");
    BpfMachine m = machine(profile("SCMP_ACT_ALLOW", List.of(), errno, trace, plain));
    assertThat(m.run(0, X86_64, NO_ARGS)).isEqualTo(0x00050000 | 22);
    assertThat(m.run(1, X86_64, NO_ARGS)).isEqualTo(0x7ff00000 | 777);
    assertThat(m.run(2, X86_64, NO_ARGS)).isEqualTo(EPERM);
  }

  private void compare(Seccomp profile, Abi nativeAbi, List<Integer> numbers) {
    byte[] program = SeccompCompiler.compile(profile, nativeAbi);
    assertThat(SeccompCompiler.instructions(program))
        .isLessThanOrEqualTo(SeccompCompiler.atMost(profile, nativeAbi));
    BpfMachine machine = new BpfMachine(program);
    ProfileReader reader = new ProfileReader(profile, nativeAbi);
    long[] args = new long[6];
    for (int number : numbers) {
      for (int arch : new int[] {X86_64, I386, AARCH64, 0}) {
        for (int i = 0; i < args.length; i++) {
          args[i] = VALUES[random.nextInt(VALUES.length)];
        }
        int answer = machine.run(number, arch, args);
        if (!reader.answers(number, arch, args).contains(answer)) {
          assertThat(reader.answers(number, arch, args))
              .as("%s of %x with %s in %s", number, arch, List.of(args[0], args[1]), profile)
              .contains(answer);
        }
      }
    }
  }

  private Seccomp randomProfile(int mostRules, List<String> names) {
    List<String> architectures = new ArrayList<>();
    for (String word : ALL) {
      if (random.nextBoolean()) {
        architectures.add(word);
      }
    }
    List<Rule> rules = new ArrayList<>();
    int count = mostRules / 2 + random.nextInt(mostRules / 2);
    for (int i = 0; i < count; i++) {
      List<String> some = new ArrayList<>();
      int most = random.nextInt(12) + 1;
      for (int j = 0; j < most; j++) {
        some.add(names.get(random.nextInt(names.size())));
      }
      List<Arg> args = new ArrayList<>();
      int conditions = random.nextInt(4);
      for (int j = 0; j < conditions; j++) {
        args.add(
            new Arg(
                random.nextInt(6),
                VALUES[random.nextInt(VALUES.length)],
                VALUES[random.nextInt(VALUES.length)],
                "SCMP_CMP_" + OPERATORS.get(random.nextInt(OPERATORS.size()))));
      }
      String action = ACTIONS.get(random.nextInt(ACTIONS.size()));
      rules.add(new Rule(some, action, random.nextBoolean() ? null : 38L, args, i));
    }
    String byDefault = ACTIONS.get(random.nextInt(ACTIONS.size()));
    return new Seccomp(byDefault, null, architectures, List.of(), null, null, rules);
  }

  private static List<Integer> allNumbers() {
    List<Integer> out = new ArrayList<>(List.of(-1, -2, 0x3fffffff, 0x80000000, 0x7fffffff));
    for (int i = 0; i < 620; i++) {
      out.add(i);
      out.add(0x40000000 + i);
    }
    return out;
  }

  private static Seccomp docker() throws Exception {
    try (var in = SeccompCompilerTest.class.getResourceAsStream("/docker-default-seccomp.json")) {
      Json json = JsonParser.parse(Objects.requireNonNull(in).readAllBytes());
      Json.Obj linux = new Json.Obj(List.of("seccomp"), List.of(json));
      List<String> problems = new ArrayList<>();
      Seccomp out =
          SeccompFilter.read(
              new Members(linux, Pointer.of("/linux"), (at, text) -> problems.add(at + text)));
      assertThat(problems).isEmpty();
      return Objects.requireNonNull(out);
    }
  }

  private static BpfMachine machine(Seccomp profile) {
    return new BpfMachine(SeccompCompiler.compile(profile, Abi.X86_64));
  }

  private static Seccomp profile(String action, List<String> architectures, Rule... rules) {
    return new Seccomp(action, null, architectures, List.of(), null, null, List.of(rules));
  }

  private static Rule rule(String action, String name, Arg... args) {
    return new Rule(List.of(name), action, null, List.of(args), 0);
  }

  private static Rule rule(String action, List<String> names) {
    return new Rule(names, action, null, List.of(), 0);
  }
}
