package dev.coracle.lifecycle;

/** The name by which the binary was called: engines tell runtimes of one binary apart by it. */
public enum CalledAs {
  CORACLE,
  RUNPROC,
  /** {@code coracle-vm}: containers are virtual machines, unless something else is asked for. */
  VM;

  /** What a name means. */
  public static CalledAs of(String name) {
    return switch (name) {
      case "runproc" -> RUNPROC;
      case "coracle-vm" -> VM;
      default -> CORACLE;
    };
  }
}
