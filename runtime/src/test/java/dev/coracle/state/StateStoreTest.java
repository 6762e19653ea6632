package dev.coracle.state;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.cgroup.CgroupPaths;
import dev.coracle.config.KnownFilter;
import dev.coracle.kernel.RecordingKernel;
import dev.coracle.spec.CompiledSeccomp;
import dev.coracle.spec.Hooks;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class StateStoreTest {
  private static final String FILE = "/root/id/state.json";
  private static final byte[] CONFIG = "{\"linux\":{\"seccomp\":{\"a\":1}}}".getBytes(UTF_8);
  private static final byte[] PROGRAM = {6, 0, 0, 0, 0, 0, 3, 10};
  private static final KnownFilter FILTER =
      new KnownFilter(20, 27, new CompiledSeccomp(PROGRAM, 4));

  private static ContainerState state(ContainerState.@Nullable KeptFilter filter) {
    return new ContainerState(
        "1.2.0",
        "id",
        7,
        8,
        "/bundle",
        "/bundle/rootfs",
        9,
        0,
        "container",
        new CgroupPaths(List.of(), "/cg/id"),
        false,
        ScopeText.NONE,
        List.of(),
        "",
        Map.of(),
        filter,
        Hooks.NONE);
  }

  private static RecordingKernel written(@Nullable KnownFilter filter) {
    RecordingKernel k = new RecordingKernel();
    ContainerState.KeptFilter kept =
        filter == null ? null : new ContainerState.KeptFilter(20, 27, 4, PROGRAM.length);
    long result = new StateStore(k, "/root").write(state(kept), CONFIG, 0, CONFIG.length, filter);
    assertThat(result).isZero();
    return k;
  }

  private static StateStore.Entry read(byte[] file) {
    RecordingKernel k = new RecordingKernel().file(FILE, file);
    return requireNonNull(new StateStore(k, "/root").read("id"));
  }

  private static String config(StateStore.Entry entry) {
    return new String(entry.file(), entry.configFrom(), entry.length() - entry.configFrom(), UTF_8);
  }

  @Test
  void theFilterStandsBehindTheConfiguration() {
    StateStore.Entry entry = read(requireNonNull(written(FILTER).bytes(FILE)));
    assertThat(config(entry)).isEqualTo(new String(CONFIG, UTF_8));
    KnownFilter filter = requireNonNull(entry.filter());
    assertThat(filter.filter().program()).isEqualTo(PROGRAM);
    assertThat(filter.filter().flags()).isEqualTo(4);
    assertThat(new String(entry.file(), filter.from(), filter.to() - filter.from(), UTF_8))
        .isEqualTo("{\"a\":1}");
  }

  @Test
  void withoutAFilterThereIsNothingBehindIt() {
    StateStore.Entry entry = read(requireNonNull(written(null).bytes(FILE)));
    assertThat(config(entry)).isEqualTo(new String(CONFIG, UTF_8));
    assertThat(entry.filter()).isNull();
  }

  /** Of a create that was killed: enough to delete the container by, and no filter. */
  @Test
  void aFileThatIsCutOffHasNoFilter() {
    byte[] whole = requireNonNull(written(FILTER).bytes(FILE));
    for (int length = whole.length - CONFIG.length - PROGRAM.length;
        length < whole.length;
        length++) {
      StateStore.Entry entry = read(Arrays.copyOf(whole, length));
      assertThat(entry.state().id()).isEqualTo("id");
      if (length < whole.length - PROGRAM.length) {
        assertThat(entry.filter()).as("%d bytes", length).isNull();
      }
    }
  }
}
