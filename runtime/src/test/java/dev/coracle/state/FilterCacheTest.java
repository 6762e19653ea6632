package dev.coracle.state;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.abi.Stat;
import dev.coracle.config.KnownFilter;
import dev.coracle.json.Pointer;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.RecordingKernel;
import dev.coracle.plan.Action.InstallSeccomp;
import dev.coracle.plan.Action.Listener;
import dev.coracle.plan.Action.Program;
import dev.coracle.plan.Phase;
import dev.coracle.plan.Plan;
import dev.coracle.plan.PlanBuilder;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class FilterCacheTest {
  private static final String DIRECTORY = "/root/.seccomp";
  private static final byte[] CONFIG = "{\"linux\":{\"seccomp\":{\"a\":1}}}".getBytes(UTF_8);
  private static final byte[] PROGRAM = {6, 0, 0, 0, 0, 0, 3, 0};

  private static Plan plan(@Nullable Listener listener) {
    PlanBuilder plan = new PlanBuilder();
    InstallSeccomp action = new InstallSeccomp(new Program(PROGRAM, "1 instruction"), 4, listener);
    plan.add(Phase.CHILD_START, action, Pointer.of("/linux/seccomp"));
    return plan.build();
  }

  private static @Nullable KnownFilter find(RecordingKernel k, String build) {
    return new FilterCache(k, "/root", build).find(CONFIG, 0, CONFIG.length);
  }

  /** A kernel that was told to keep a filter; the name of the file is its first one. */
  private static RecordingKernel keeping(Plan plan, int directoryMode) {
    RecordingKernel k = new RecordingKernel().stat(DIRECTORY, directoryMode, 0, 0);
    FilterCache cache = new FilterCache(k, "/root", "c0ffee");
    assertThat(cache.find(CONFIG, 0, CONFIG.length)).isNull();
    cache.keep(plan);
    assertThat(k.openDescriptors()).isEmpty();
    return k;
  }

  private static String name(RecordingKernel k) {
    for (String call : k.calls()) {
      int at = call.indexOf(DIRECTORY + "/");
      if (at >= 0) {
        return call.substring(at + DIRECTORY.length() + 1, call.indexOf('"', at));
      }
    }
    throw new AssertionError("no file was looked for");
  }

  /** A host on which that file is. */
  private static RecordingKernel having(RecordingKernel kept, int mode) {
    String name = name(kept);
    byte[] file = Objects.requireNonNull(kept.bytes(name));
    String path = DIRECTORY + "/" + name;
    return new RecordingKernel().file(path, file).stat(path, mode, 0, 0);
  }

  @Test
  void whatWasKeptIsFoundBySameBuildAlone() {
    RecordingKernel kept = keeping(plan(null), Stat.S_IFDIR | 0700);
    KnownFilter found = Objects.requireNonNull(find(having(kept, Stat.S_IFREG | 0600), "c0ffee"));
    assertThat(found.filter().program()).isEqualTo(PROGRAM);
    assertThat(found.filter().flags()).isEqualTo(4);
    assertThat(new String(CONFIG, found.from(), found.to() - found.from(), UTF_8))
        .isEqualTo("{\"a\":1}");
    assertThat(find(having(kept, Stat.S_IFREG | 0600), "decade")).isNull();
  }

  @Test
  void aFileThatOthersMayTouchIsNotBelieved() {
    RecordingKernel kept = keeping(plan(null), Stat.S_IFDIR | 0700);
    for (int mode : List.of(Stat.S_IFREG | 0620, Stat.S_IFREG | 0602, Stat.S_IFIFO | 0600)) {
      RecordingKernel k = having(kept, mode);
      assertThat(find(k, "c0ffee")).isNull();
      assertThat(k.openDescriptors()).isEmpty();
    }
    RecordingKernel anothers = having(kept, Stat.S_IFREG | 0600).answers("geteuid", 1000);
    assertThat(find(anothers, "c0ffee")).isNull();
  }

  @Test
  void nothingIsWrittenWhereOthersMayWrite() {
    RecordingKernel k = keeping(plan(null), Stat.S_IFDIR | 0770);
    assertThat(k.calls()).noneMatch(c -> c.contains("O_CREAT"));
  }

  @Test
  void aFilterWithAListenerIsNotKept() {
    RecordingKernel k = keeping(plan(new Listener("/agent", null)), Stat.S_IFDIR | 0700);
    assertThat(k.calls()).noneMatch(c -> c.contains("O_CREAT"));
  }

  @Test
  void withoutANameForTheBuildThereIsNoCache() {
    RecordingKernel k = new RecordingKernel();
    assertThat(find(k, "unknown")).isNull();
    assertThat(k.calls()).isEmpty();
  }

  @Test
  void theDirectoryIsMadeWhenItIsNeeded() {
    RecordingKernel k = new RecordingKernel().broken(DIRECTORY, Errno.ENOENT);
    FilterCache cache = new FilterCache(k, "/root", "c0ffee");
    assertThat(cache.find(CONFIG, 0, CONFIG.length)).isNull();
    cache.keep(plan(null));
    assertThat(k.calls()).anyMatch(c -> c.startsWith("mkdirat(") && c.contains(DIRECTORY));
  }
}
