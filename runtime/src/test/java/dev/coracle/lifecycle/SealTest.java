package dev.coracle.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coracle.kernel.DescribingKernel;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.RecordingKernel;
import java.util.List;
import org.junit.jupiter.api.Test;

class SealTest {
  private final RecordingKernel kernel = new RecordingKernel().answers("getpid", 77);

  private int ensure(String... variables) throws Failure {
    return Seal.ensure(new DescribingKernel(kernel), List.of(variables), "coracle");
  }

  @Test
  void executesItselfFromACopyThatNobodyCanWrite() {
    assertThatThrownBy(this::ensure).isInstanceOf(RecordingKernel.Ended.class);
    assertThat(kernel.calls())
        .containsSubsequence(
            "openat2(AT_FDCWD, \"/proc/self/exe\", O_RDONLY|O_CLOEXEC, 0, 0)",
            "memfd_create(\"coracle\", MFD_CLOEXEC|MFD_ALLOW_SEALING|MFD_EXEC)",
            "fcntl(101, F_ADD_SEALS, 15)",
            "execveat(101, \"\", argv, [\"_CORACLE_SEALED=77\", ...environ], AT_EMPTY_PATH)");
  }

  @Test
  void isDoneOnce() throws Failure {
    assertThat(ensure("A=b", "_CORACLE_SEALED=77")).isEqualTo(Seal.NONE);
    assertThat(kernel.calls()).containsExactly("getpid()", "prctl(PR_SET_NAME, \"coracle\")");
  }

  @Test
  void theMountThatWasMadeBeforeIsTold() throws Failure {
    kernel.seal(12);
    assertThat(ensure()).isEqualTo(12);
    assertThat(kernel.calls()).isEmpty();
  }

  @Test
  void anotherProcessIsSealedAnew() {
    assertThatThrownBy(() -> ensure("_CORACLE_SEALED=7")).isInstanceOf(RecordingKernel.Ended.class);
  }

  @Test
  void beforeLinux63ThereIsNoWordForAnExecutableCopy() {
    kernel.answers("memfd_create", -Errno.EINVAL);
    assertThatThrownBy(this::ensure)
        .isInstanceOf(Failure.class)
        .hasMessageContaining("memfd_create(\"coracle\", MFD_CLOEXEC|MFD_ALLOW_SEALING): EINVAL");
    assertThat(kernel.calls())
        .anyMatch(
            c -> c.startsWith("memfd_create(\"coracle\", MFD_CLOEXEC|MFD_ALLOW_SEALING|MFD_EXEC)"));
  }

  @Test
  void whatCannotBeSealedDoesNotRun() {
    kernel.fail("execveatSelf", 1, Errno.EACCES);
    assertThatThrownBy(this::ensure)
        .isInstanceOf(Failure.class)
        .hasMessageContaining("cannot seal the runtime's own program: execveat(");
  }
}
