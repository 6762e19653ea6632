package dev.coracle.vm;

import org.jspecify.annotations.Nullable;

/** The fields of a request (docs/vm-protocol.md, "Request"). */
public enum Field {
  CONFIG(1),
  CLOCK(2),
  SEED(3),
  ROOT(4),
  LINK(5),
  DISK(6),
  SOCKET(8),
  ARGUMENT(9),
  PROCESS(10),
  TERMINAL(11),
  OPTION(12),
  NAME(13);

  private final int tag;

  Field(int tag) {
    this.tag = tag;
  }

  /** Its number in a request. */
  public int tag() {
    return tag;
  }

  /** The field of this number, or null. */
  static @Nullable Field of(int tag) {
    for (Field field : values()) {
      if (field.tag == tag) {
        return field;
      }
    }
    return null;
  }
}
