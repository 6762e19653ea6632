package dev.coracle.it.vm;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A root filesystem of busybox. */
final class GuestRoot {
  private GuestRoot() {}

  static Path make(Path root) throws IOException, InterruptedException {
    for (String name : List.of("bin", "etc", "tmp", "proc", "sys", "dev", "run", "data")) {
      Files.createDirectories(root.resolve(name));
    }
    Path busybox =
        Path.of(Files.exists(Path.of("/usr/bin/busybox")) ? "/usr/bin/busybox" : "/bin/busybox");
    Path copy = root.resolve("bin/busybox");
    Files.copy(busybox, copy);
    if (!copy.toFile().setExecutable(true, false)) {
      throw new IOException("busybox cannot be made executable");
    }
    Process list = new ProcessBuilder(busybox.toString(), "--list").start();
    String names = new String(list.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (list.waitFor() != 0) {
      throw new IOException("busybox --list failed");
    }
    for (String name : names.lines().toList()) {
      Path link = root.resolve("bin").resolve(name);
      if (!Files.exists(link)) {
        Files.createSymbolicLink(link, Path.of("busybox"));
      }
    }
    Files.writeString(root.resolve("etc/passwd"), "root:x:0:0::/:/bin/sh\n");
    return root;
  }
}
