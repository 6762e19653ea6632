package dev.coracle.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What the figures belong to. */
record Machine(String kernel, String cpu, int processors, String loadBefore) {
  static Machine read() throws IOException {
    String cpu =
        Files.readAllLines(Path.of("/proc/cpuinfo")).stream()
            .filter(line -> line.startsWith("model name"))
            .map(line -> line.substring(line.indexOf(':') + 1).strip())
            .findFirst()
            .orElse(System.getProperty("os.arch"));
    String load = Files.readString(Path.of("/proc/loadavg")).split(" ", 2)[0];
    return new Machine(
        release(Files.readString(Path.of("/proc/sys/kernel/osrelease")).strip()),
        cpu,
        Runtime.getRuntime().availableProcessors(),
        load);
  }

  String summary() {
    return cpu + ", " + processors + " processors, Linux " + kernel;
  }

  /** The version without what a distribution or a builder adds to it. */
  static String release(String osrelease) {
    int dash = osrelease.indexOf('-');
    return dash < 0 ? osrelease : osrelease.substring(0, dash);
  }
}
