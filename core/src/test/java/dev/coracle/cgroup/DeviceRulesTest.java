package dev.coracle.cgroup;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.plan.Action.Program;
import dev.coracle.spec.Resources.DeviceRule;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Device rules, and both forms that the kernel takes them in, against the plain meaning. */
class DeviceRulesTest {
  private static final List<String> DEFAULT_LINES =
      List.of(
          "c *:* m",
          "b *:* m",
          "c 1:3 rwm",
          "c 1:5 rwm",
          "c 1:7 rwm",
          "c 1:8 rwm",
          "c 1:9 rwm",
          "c 5:0 rwm",
          "c 5:1 rwm",
          "c 5:2 rwm",
          "c 136:* rwm",
          "c 10:200 rwm");

  static DeviceRule rule(String text) {
    String[] w = text.split("[ :]", -1);
    return new DeviceRule(w[0].equals("+"), w[1].charAt(0), number(w[2]), number(w[3]), w[4]);
  }

  private static @Nullable Long number(String word) {
    return word.equals("*") ? null : Long.valueOf(word);
  }

  private static List<String> lines(String... rules) {
    List<DeviceRule> all = new ArrayList<>();
    for (String r : rules) {
      all.add(rule(r));
    }
    DeviceExceptions e = DeviceExceptions.of(DeviceRules.of(all));
    assertThat(e.hole()).isNull();
    List<String> out = new ArrayList<>(e.lines());
    out.addFirst(e.policy().name());
    return out;
  }

  @Test
  void withoutRulesTheDefaultsAreAllowed() {
    List<String> expected = new ArrayList<>(DEFAULT_LINES);
    expected.addFirst("DENY");
    assertThat(lines()).isEqualTo(expected);
    assertThat(lines("- a *:* rwm")).isEqualTo(expected);
    assertThat(lines("+ b 8:0 rwm", "- a *:* rwm")).isEqualTo(expected);
  }

  @Test
  void whatTheDefaultsSayTwiceIsSaidOnce() {
    assertThat(lines("- a *:* rwm", "+ c 1:3 rwm", "+ c 136:4 rw", "- c 10:229 rwm", "+ b 8:0 r"))
        .hasSize(1 + 1 + DEFAULT_LINES.size())
        .startsWith("DENY", "b 8:0 r")
        .endsWith("c 10:200 rwm");
  }

  @Test
  void privileged() {
    DeviceRules rules = DeviceRules.of(List.of(rule("- c 1:3 rwm"), rule("+ a *:* rwm")));
    assertThat(rules.allowAll()).isTrue();
    assertThat(lines("+ a *:* rwm")).containsExactly("ALLOW");
  }

  @Test
  void denied() {
    assertThat(lines("+ a *:* rwm", "- c 10:229 rwm", "- c 1:3 rwm", "- b 8:* w", "+ b 8:* w"))
        .as("without what the defaults allow")
        .containsExactly("ALLOW", "c 10:229 rw");
  }

  @Test
  void aNarrowRuleForAllTypesIsNoPolicy() {
    assertThat(lines("- a *:* rwm", "+ a 7:* r")).startsWith("DENY", "c 7:* r", "b 7:* r");
    assertThat(lines("- a *:* rwm", "+ a *:* r")).startsWith("DENY", "c *:* rm", "b *:* rm");
  }

  @Test
  void mergedAndTakenBack() {
    assertThat(lines("+ b 8:0 r", "+ b 8:0 w", "+ b 9:* rw", "- b 9:* w"))
        .startsWith("DENY", "b 8:0 rw", "b 9:* r");
    assertThat(lines("+ b 8:0 r", "+ b 8:1 rw", "- b 8:* r")).startsWith("DENY", "b 8:1 w");
  }

  @Test
  void aHoleCannotBeSaidOnV1() {
    DeviceRules rules = DeviceRules.of(List.of(rule("+ b 8:* rw"), rule("- b 8:1 w")));
    DeviceRules.Rule hole = requireNonNull(DeviceExceptions.of(rules).hole());
    assertThat(hole.index()).isEqualTo(1);
    assertThat(hole.text()).isEqualTo("b 8:1 w");
  }

  @Test
  void programWithoutRules() {
    DeviceRules none = new DeviceRules(DeviceRules.Policy.DENY, List.of());
    Program program = requireNonNull(DeviceProgram.compile(none));
    assertThat(DeviceMachine.verify(program.bytes())).isNull();
    assertThat(DeviceMachine.run(program.bytes(), 2, 1, 3, 2)).isZero();
  }

  @Test
  void numbersThatNoDeviceHasAreLeftOut() {
    assertThat(
            lines("+ b 4294967295:* rw", "+ b 1:4294967295 rw", "+ c 4096:1 r", "+ c 1:1048576 r"))
        .as("v1 takes 4294967295 for all")
        .hasSize(1 + DEFAULT_LINES.size());
    assertThat(lines("+ b 4095:1048575 r")).contains("b 4095:1048575 r");
  }

  @Test
  void theHighestNumbersInAProgram() {
    List<DeviceRule> listed = List.of(rule("+ b 4095:1048575 rwm"), rule("+ c 4095:1048575 r"));
    byte[] code = requireNonNull(DeviceProgram.compile(DeviceRules.of(listed))).bytes();
    assertThat(DeviceMachine.run(code, 1, 4095, 1048575, 4)).isEqualTo(1);
    assertThat(DeviceMachine.run(code, 1, 4095, 1048574, 4)).isZero();
    assertThat(DeviceMachine.run(code, 2, 4095, 1048575, 2)).isEqualTo(1);
    assertThat(DeviceMachine.run(code, 2, 4095, 1048575, 6)).isZero();
  }

  @Test
  void tooManyRules() {
    List<DeviceRule> many = new ArrayList<>();
    for (int i = 0; i < 1100; i++) {
      many.add(rule("+ b 8:" + i + " rwm"));
    }
    assertThat(DeviceProgram.compile(DeviceRules.of(many))).isNull();
  }

  @Test
  void randomRulesMeanWhatTheySay() {
    Random random = new Random(42);
    int whole = 0;
    for (int round = 0; round < 3000; round++) {
      List<DeviceRule> listed = random(random);
      DeviceRules rules = DeviceRules.of(listed);
      Program program = requireNonNull(DeviceProgram.compile(rules));
      assertThat(DeviceMachine.verify(program.bytes())).isNull();
      DeviceExceptions v1 = DeviceExceptions.of(rules);
      if (v1.hole() == null) {
        whole++;
      }
      for (int i = 0; i < 60; i++) {
        int type = 1 + random.nextInt(2);
        int major = random.nextInt(4);
        int minor = random.nextInt(4);
        int access = 1 + random.nextInt(7);
        boolean expected = reference(listed, type, major, minor, access);
        assertThat(DeviceMachine.run(program.bytes(), type, major, minor, access) == 1)
            .as("round %s: %s asks %s:%s:%s %s", round, listed, type, major, minor, access)
            .isEqualTo(expected);
        if (v1.hole() == null && Integer.bitCount(access) == 1) {
          assertThat(onV1(v1, type, major, minor, access)).as("v1: %s", listed).isEqualTo(expected);
        }
      }
    }
    assertThat(whole).as("lists that v1 can say").isGreaterThan(500);
  }

  private static List<DeviceRule> random(Random random) {
    List<DeviceRule> out = new ArrayList<>();
    int n = random.nextInt(8);
    for (int i = 0; i < n; i++) {
      int bits = random.nextInt(3) == 0 ? 7 : 1 + random.nextInt(7);
      String access =
          ((bits & 2) != 0 ? "r" : "")
              + ((bits & 4) != 0 ? "w" : "")
              + ((bits & 1) != 0 ? "m" : "");
      out.add(
          new DeviceRule(
              random.nextBoolean(),
              "abcbc".charAt(random.nextInt(5)),
              random.nextInt(3) == 0 ? null : (Long) (long) random.nextInt(4),
              random.nextInt(3) == 0 ? null : (Long) (long) random.nextInt(4),
              access));
    }
    return out;
  }

  /** For each kind of access the last rule that covers it decides. */
  private static boolean reference(
      List<DeviceRule> listed, int type, long major, long minor, int access) {
    List<DeviceRule> all = new ArrayList<>(listed);
    for (String line : DEFAULT_LINES) {
      all.add(rule("+ " + line));
    }
    for (int bit = 1; bit <= 4; bit <<= 1) {
      char letter = bit == 1 ? 'm' : bit == 2 ? 'r' : 'w';
      boolean allowed = false;
      for (DeviceRule r : all) {
        Long ruleMajor = r.major();
        Long ruleMinor = r.minor();
        if ((r.type() == 'a' || r.type() == (type == 1 ? 'b' : 'c'))
            && (ruleMajor == null || ruleMajor == major)
            && (ruleMinor == null || ruleMinor == minor)
            && r.access().indexOf(letter) >= 0) {
          allowed = r.allow();
        }
      }
      if ((access & bit) != 0 && !allowed) {
        return false;
      }
    }
    return true;
  }

  private static boolean onV1(DeviceExceptions v1, int type, int major, int minor, int access) {
    DeviceRules.Rule asked = new DeviceRules.Rule(v1.policy(), type, major, minor, access, 0);
    boolean excepted = false;
    for (DeviceRules.Rule e : v1.exceptions()) {
      excepted |= e.coversDevicesOf(asked) && (access & e.access()) != 0;
    }
    return (v1.policy() == DeviceRules.Policy.ALLOW) != excepted;
  }
}
