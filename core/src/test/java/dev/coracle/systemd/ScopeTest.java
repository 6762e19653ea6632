package dev.coracle.systemd;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ScopeTest {
  private static final Manager SYSTEM = new Manager(false, 252, "");

  @ParameterizedTest
  @CsvSource({
    "system.slice:docker:abc, docker-abc.scope, /system.slice/docker-abc.scope",
    ":docker:abc, docker-abc.scope, /system.slice/docker-abc.scope",
    "machine.slice::abc, abc.scope, /machine.slice/abc.scope",
    "a-b-c.slice:x:y, x-y.scope, /a.slice/a-b.slice/a-b-c.slice/x-y.scope",
    "-.slice:x:y, x-y.scope, /x-y.scope",
    "_a.slice:x:y, x-y.scope, /__a.slice/x-y.scope",
    "cpu.slice::memory.x, memory.x.scope, /_cpu.slice/_memory.x.scope"
  })
  void unitsAndCgroups(String path, String unit, String cgroup) {
    assertThat(Scope.isNamedBy(path)).isTrue();
    assertThat(Scope.defect(path)).isNull();
    Scope scope = Scope.of(path, "id", false);
    assertThat(scope.unit()).isEqualTo(unit);
    assertThat(scope.cgroup(SYSTEM)).isEqualTo(cgroup);
  }

  @Test
  void defaultsAreTheOwnersSliceAndTheId() {
    assertThat(Scope.of(null, "a+b", false))
        .isEqualTo(new Scope("system.slice", "coracle-a\\x2bb.scope"));
    Manager user = new Manager(true, 252, "/user.slice/user-1.slice/user@1.service");
    Scope scope = Scope.of(null, "a", true);
    assertThat(scope.slice()).isEqualTo("user.slice");
    assertThat(scope.cgroup(user))
        .isEqualTo("/user.slice/user-1.slice/user@1.service/user.slice/coracle-a.scope");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/a/b",
        "a:b",
        "a.slice:b",
        "a.slice:b:c:d",
        "a.slice:b:",
        "a:b:c",
        ".slice:b:c",
        "-a.slice:b:c",
        "a-.slice:b:c",
        "a--b.slice:b:c",
        "a/b.slice:b:c",
        "a.slice:b:c/d",
        "a.slice:b:c.slice",
        "a.slice:b:c d",
        "a.slice:b:c@d",
        "../a.slice:b:c"
      })
  void badOnes(String path) {
    assertThat(Scope.defect(path)).isNotNull();
  }

  @Test
  void lengthIsBounded() {
    assertThat(Scope.defect("a.slice:b:" + "c".repeat(247))).isNull();
    assertThat(Scope.defect("a.slice:b:" + "c".repeat(248))).contains("255");
  }

  @Test
  void pathsNameNoUnit() {
    assertThat(Scope.isNamedBy("/a:b:c")).isFalse();
    assertThat(Scope.isNamedBy("a:b")).isFalse();
    assertThat(Scope.isNamedBy("plain")).isFalse();
  }

  @ParameterizedTest
  @CsvSource({"252.38-1~deb12u1, 252", "v256~rc2, 256", "244, 244", "x, 0"})
  void versions(String text, int version) {
    assertThat(Manager.version(text)).isEqualTo(version);
  }
}
