package dev.coracle.state;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.abi.Bytes;
import dev.coracle.cgroup.CgroupPaths;
import dev.coracle.json.Pointer;
import dev.coracle.problem.Origin;
import dev.coracle.spec.Hooks;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class StateTextTest {
  private static ContainerState state() {
    Map<String, String> annotations = new LinkedHashMap<>();
    annotations.put("b\"\n", "line\nbreak");
    annotations.put("a", "\u00e9\ud83d\ude00");
    Hooks.Hook hook =
        new Hooks.Hook(
            "/bin/x",
            List.of("x", "y z"),
            List.of("A=b"),
            7,
            Origin.of(Pointer.of("/hooks/poststop").child(0)));
    Hooks.Hook bare =
        new Hooks.Hook(
            "/y", List.of(), null, null, Origin.of(Pointer.of("/hooks/poststart").child(0)));
    return new ContainerState(
        "1.2.0",
        "id",
        4242,
        987_654_321_987L,
        "/bundle with space",
        "/bundle/rootfs",
        1_750_000_000_123_456_789L,
        4_294_967_294L,
        "container",
        new CgroupPaths(List.of(new CgroupPaths.Directory("cpu,cpuacct", "/cg/cpu/id")), "/cg/id"),
        true,
        new ScopeText("user a.scope"),
        List.of("/sys/fs/resctrl/a", "/sys/fs/resctrl/a/mon_groups/id"),
        "4294967297 /proc/7/ns/mnt",
        annotations,
        new ContainerState.KeptFilter(100, 5700, 4, 2792),
        new Hooks(List.of(), List.of(), List.of(), List.of(), List.of(bare), List.of(hook)));
  }

  private static @Nullable ContainerState read(String text) {
    byte[] bytes = Bytes.utf8(text);
    return StateText.read(bytes, bytes.length);
  }

  @Test
  void roundTrip() {
    String line = StateText.line(state());
    assertThat(line).endsWith("}\n");
    assertThat(line.indexOf('\n')).isEqualTo(line.length() - 1);
    assertThat(read(line)).isEqualTo(state());
    assertThat(read(line + "{\"ociVersion\": \"not JSON")).isEqualTo(state());
  }

  @Test
  void theProcessIsWrittenInPlace() {
    ContainerState s = state();
    ContainerState before =
        new ContainerState(
            s.ociVersion(),
            s.id(),
            0,
            0,
            s.bundle(),
            s.rootfs(),
            s.createdNanos(),
            s.ownerUid(),
            s.sandbox(),
            s.cgroups(),
            s.keyring(),
            ScopeText.NONE,
            s.resctrl(),
            "",
            s.annotations(),
            null,
            s.hooks());
    String line = StateText.line(before);
    String process = StateText.process(Integer.MAX_VALUE, Long.MAX_VALUE);
    assertThat(process).hasSize(StateText.PROCESS_BYTES);
    ContainerState after = requireNonNull(read(process + line.substring(StateText.PROCESS_BYTES)));
    assertThat(after.pid()).isEqualTo(Integer.MAX_VALUE);
    assertThat(after.startTicks()).isEqualTo(Long.MAX_VALUE);
  }

  @Test
  void aFileThatWasCutOffIsNoState() {
    String line = StateText.line(state());
    for (int length = 0; length < line.length() - 1; length++) {
      assertThat(read(line.substring(0, length))).as("%d bytes", length).isNull();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "\n",
        "[]",
        "{}",
        "null",
        "{\"pid\":1}",
      })
  void otherTextIsNoState(String text) {
    assertThat(read(text)).isNull();
  }

  @Test
  void cgroupsThatAreNoneAreNoState() {
    String line = StateText.line(state());
    assertThat(read(line.replace(":/cg/id", ":cg/id"))).isNull();
    assertThat(read(line.replace("cpu,cpuacct:/cg", "nothing"))).isNull();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "(sh) S|S",
        "(a) b) (c) R|R",
        "() Z|Z",
        "() ) D|D",
        "(tab\there) I|I",
      })
  void procStatWithOddNames(String middle, char state) {
    String line = "42 " + middle + " 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 555 20 21\n";
    assertThat(ProcStat.parse(line)).isEqualTo(new ProcStat(state, 555));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "42", "42 (sh", "42 (sh)", "42 (sh) ", "42 (sh) S 1 2 3"})
  void brokenProcStat(String line) {
    assertThat(ProcStat.parse(line)).isNull();
  }

  @Test
  void endedProcesses() {
    assertThat(new ProcStat('Z', 1).ended()).isTrue();
    assertThat(new ProcStat('X', 1).ended()).isTrue();
    assertThat(new ProcStat('T', 1).ended()).isFalse();
  }
}
