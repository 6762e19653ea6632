package dev.coracle.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunCvmLikeTest {
  @TempDir Path directory;

  private Path program(String script) throws IOException {
    Path file = Files.writeString(directory.resolve("program"), "#!/bin/sh\n" + script + "\n");
    assertThat(file.toFile().setExecutable(true)).isTrue();
    return file;
  }

  @Test
  void itsFilesAndItsConsoleAreWhatWasMade() {
    List<String> argv = new RunCvmLike(Path.of("/made"), directory).qemu(Path.of("/socket"));
    assertThat(argv)
        .containsSequence("-kernel", "/made/vmlinuz")
        .containsSequence("-initrd", "/made/initrd")
        .contains("socket,id=files,path=/socket", "virtconsole,chardev=console");
    assertThat(argv.get(argv.indexOf("-append") + 1)).contains(" init=/first rw ");
  }

  @Test
  void thatItIsUpIsItsLine() throws Exception {
    Path qemu = program("echo up > /dev/stderr; echo upper; printf 'up\\r\\n'; sleep 100");
    Process process = new ProcessBuilder(qemu.toString()).redirectError(log()).start();
    try {
      RunCvmLike.isUp(process, log().toPath());
    } finally {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly().waitFor();
    }
  }

  @Test
  void oneThatEndsBeforeIsAnErrorWithWhatItSaid() throws Exception {
    Path qemu = program("echo 'no such machine' >&2; exit 1");
    Process process = new ProcessBuilder(qemu.toString()).redirectError(log()).start();
    assertThatThrownBy(() -> RunCvmLike.isUp(process, log().toPath()))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("no such machine");
    assertThat(process.waitFor()).isEqualTo(1);
  }

  private java.io.File log() {
    return directory.resolve("log").toFile();
  }
}
