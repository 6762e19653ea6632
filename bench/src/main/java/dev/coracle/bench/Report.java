package dev.coracle.bench;

import com.google.gson.GsonBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Everything that one run found out; its JSON is {@code bench.json}. */
record Report(
    String date,
    Machine machine,
    Map<String, String> versions,
    List<String> notes,
    List<Setup> setups,
    List<Result> results,
    List<SyscallCost> syscalls,
    List<CompileCost> compilers,
    List<MachineCost> machines,
    List<Goal> goals) {

  void write(Path file) throws IOException {
    String json =
        new GsonBuilder()
            .setPrettyPrinting()
            .disableHtmlEscaping()
            .serializeSpecialFloatingPointValues()
            .create()
            .toJson(this);
    Files.createDirectories(parent(file));
    Files.writeString(file, json + "\n");
  }

  /** The directory of a file whose path is absolute. */
  static Path parent(Path file) throws IOException {
    Path parent = file.getParent();
    if (parent == null) {
      throw new IOException("not a file: " + file);
    }
    return parent;
  }
}
