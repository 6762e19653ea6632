package dev.coracle.machine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.kernel.Kernel;
import dev.coracle.kernel.RecordingKernel;
import dev.coracle.vm.VmConfig;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** A guest that hangs while its kernel starts. */
class StartingTest {
  /** In this kernel time stands still, and nobody says anything. */
  private final RecordingKernel k = new RecordingKernel();

  private final Starting starting = new Starting(k, 9);
  private final List<String> attempts = new ArrayList<>();

  private record Fixed(String name, Qemu.@Nullable Lines fallback) implements Qemu.Lines {
    @Override
    public List<String> files(int socket) {
      return List.of("/virtiofsd", "--fd=" + socket);
    }

    @Override
    public List<String> machine(Qemu.Ends ends) {
      return List.of("/qemu", name);
    }

    @Override
    public List<VmConfig.DiskRequest> disks() {
      return List.of();
    }

    @Override
    public List<String> devices() {
      return List.of();
    }

    @Override
    public @Nullable String mkfs() {
      return null;
    }

    @Override
    public @Nullable String templateKey() {
      return null;
    }

    @Override
    public List<String> shape() {
      return List.of();
    }

    @Override
    public int patienceMillis() {
      return 5000;
    }

    @Override
    public String fallbackReason(Kernel k) {
      return "another one is tried";
    }
  }

  private static Fixed withFallback() {
    return new Fixed("first", new Fixed("second", null));
  }

  private @Nullable String greet(Qemu.Lines lines, boolean another) {
    return starting.greet(
        lines,
        by -> {
          attempts.add(((Fixed) by).name());
          String problem = starting.startFiles(by);
          return problem == null ? starting.startQemu(by, Starting.Kind.BOOTED) : problem;
        },
        another);
  }

  @Test
  void anotherOneIsTriedOnceAndTheFirstOneIsWaitedFor() {
    assertThat(greet(withFallback(), true)).isEqualTo("the guest did not answer within 30 s");
    assertThat(attempts).containsExactly("first", "second");
    assertThat(starting.gone).isTrue();
    assertThat(starting.warnings)
        .containsExactly("the guest did not answer within 5 s: another one is tried");
    List<String> calls = k.calls();
    List<String> ends =
        calls.stream().filter(c -> c.matches("(fork|pidfd_send_signal|wait4).*")).toList();
    assertThat(ends).hasSize(8);
    assertThat(ends.subList(2, 4)).allMatch(c -> c.endsWith(", 9)"));
    assertThat(ends.subList(4, 6)).allMatch(c -> c.startsWith("wait4(-1"));
    assertThat(ends.subList(6, 8)).allMatch(c -> c.startsWith("fork"));
    // Of the first one nothing is open any more: a port, and two pidfds.
    assertThat(k.openDescriptors()).hasSize(3);
  }

  @Test
  void whereThereIsNoOtherNoneIsTried() {
    assertThat(greet(new Fixed("first", null), true))
        .isEqualTo("the guest did not answer within 5 s");
    assertThat(attempts).containsExactly("first");
    assertThat(starting.warnings).isEmpty();
  }

  @Test
  void aTemplateIsOfOneKind() {
    assertThat(greet(withFallback(), false))
        .isEqualTo("the guest did not answer within 5 s: another one is tried");
    assertThat(attempts).containsExactly("first");
  }
}
