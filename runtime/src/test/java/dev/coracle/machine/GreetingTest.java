package dev.coracle.machine;

import static dev.coracle.machine.Wires.frame;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.abi.Bytes;
import dev.coracle.vm.Frame;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The first word of a guest. */
class GreetingTest {
  private static final int GUEST = 10;
  private static final int VMM = 12;
  private static final int FILES = 14;
  private static final int CONSOLE = 13;
  private static final int CLIENT = 20;

  private final Wires wires = new Wires();
  private final Tail console = new Tail();
  private final Greeting greeting =
      new Greeting(wires.kernel(), new int[] {GUEST, VMM, FILES, CONSOLE, CLIENT}, console);

  private @Nullable String await() {
    return greeting.await(5000);
  }

  @Test
  void itComes() {
    byte[] hello = frame(Frame.HELLO, 0, Frame.VERSION);
    wires
        .then(() -> wires.give(CONSOLE, Bytes.utf8("booting\n")))
        .then(() -> wires.give(GUEST, java.util.Arrays.copyOf(hello, 5)))
        .then(() -> wires.give(GUEST, java.util.Arrays.copyOfRange(hello, 5, hello.length)));
    assertThat(await()).isNull();
    assertThat(greeting.isSilent()).isFalse();
    assertThat(console.text()).isEqualTo("booting");
  }

  @Test
  void whatFollowsItIsLeftForOthers() {
    byte[] hello = frame(Frame.HELLO, 0, Frame.VERSION);
    byte[] warning = frame(Frame.WARNING, 0, "slow");
    byte[] both = java.util.Arrays.copyOf(hello, hello.length + warning.length);
    System.arraycopy(warning, 0, both, hello.length, warning.length);
    wires.then(() -> wires.give(GUEST, both));
    assertThat(await()).isNull();
    byte[] rest = new byte[both.length];
    assertThat(wires.kernel().read(GUEST, rest, 0, rest.length)).isEqualTo(warning.length);
  }

  @Test
  void itNeverComes() {
    wires.then(wires::late);
    assertThat(await()).isEqualTo("the guest did not answer within 5 s");
    assertThat(greeting.isSilent()).isTrue();
  }

  @Test
  void itIsOfAnotherVersion() {
    wires.then(() -> wires.give(GUEST, frame(Frame.HELLO, 0, 2)));
    assertThat(await()).isEqualTo("the guest speaks version 2 of the protocol");
    assertThat(greeting.isSilent()).isFalse();
  }

  @Test
  void anotherWordIsNone() {
    wires.then(() -> wires.give(GUEST, frame(Frame.OUTPUT, 1, "x")));
    assertThat(await()).contains("broke the protocol").contains("before HELLO");
  }

  @Test
  void noiseIsNone() {
    wires.then(() -> wires.give(GUEST, new byte[] {-1, -1, -1, -1, 9, 0, 0, 0, 1, 0, 0, 0}));
    assertThat(await()).contains("broke the protocol");
  }

  @Test
  void aGuestThatCannotGoOnSaysWhy() {
    byte[] text = Bytes.utf8("\1\0\0\0no root");
    wires.then(() -> wires.give(GUEST, frame(Frame.FAILED, 0, text)));
    assertThat(await()).isEqualTo("the guest cannot be set up: no root");
  }

  @Test
  void whatEndsMeanwhileIsSaid() {
    wires.then(() -> wires.end(VMM));
    assertThat(await()).isEqualTo("the virtual machine ended unexpectedly");
    GreetingTest other = new GreetingTest();
    other.wires.then(() -> other.wires.end(FILES)).then(other.wires::late);
    assertThat(other.await()).isEqualTo("virtiofsd ended unexpectedly");
    GreetingTest both = new GreetingTest();
    both.wires.then(() -> both.wires.end(FILES)).then(() -> both.wires.end(VMM));
    assertThat(both.await()).isEqualTo("the virtual machine ended unexpectedly");
    GreetingTest third = new GreetingTest();
    third.wires.then(() -> third.wires.end(CLIENT));
    assertThat(third.await()).isEqualTo("nobody waits for the machine");
  }
}
