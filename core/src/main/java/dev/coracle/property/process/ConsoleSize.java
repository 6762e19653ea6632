package dev.coracle.property.process;

import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import org.jspecify.annotations.Nullable;

/** The terminal's size in characters (config.md, "Process"); it counts only with a terminal. */
public final class ConsoleSize {
  public static final Pointer POINTER = Pointer.of("/process/consoleSize");
  private static final int MOST = 0xffff;

  private ConsoleSize() {}

  /** Reads it. */
  public static dev.coracle.spec.Process.@Nullable ConsoleSize read(Members process) {
    Members size = process.object("consoleSize");
    if (size == null) {
      return null;
    }
    Long height = size.number("height", 0, MOST);
    Long width = size.number("width", 0, MOST);
    return new dev.coracle.spec.Process.ConsoleSize(
        height == null ? 0 : height.intValue(), width == null ? 0 : width.intValue());
  }
}
