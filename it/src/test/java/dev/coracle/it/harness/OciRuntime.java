package dev.coracle.it.harness;

import java.nio.file.Files;
import java.nio.file.Path;

/** The runtime under test: the program at the system property coracle.runtime. */
public record OciRuntime(Path binary, String name) {
  private static final OciRuntime UNDER_TEST = find();

  public static OciRuntime underTest() {
    return UNDER_TEST;
  }

  public boolean isCoracle() {
    return !name.equals("runc") && !name.equals("crun");
  }

  public boolean isCrun() {
    return name.equals("crun");
  }

  private static OciRuntime find() {
    Path binary =
        Path.of(System.getProperty("coracle.runtime", "../target/coracle"))
            .toAbsolutePath()
            .normalize();
    if (!Files.isExecutable(binary)) {
      throw new IllegalStateException(
          binary + " is no program; build it, or set -Dcoracle.runtime=PATH");
    }
    return new OciRuntime(binary, binary.getFileName().toString());
  }
}
