package dev.coracle.machine;

/**
 * What is said to the relay of a guest's files: each a byte, which it answers with the same one, or
 * with {@link #FAILED} and why it cannot be done.
 */
final class RelayWords {
  /** Finish what is asked for, and take no more; the answer brings the guest's port along. */
  static final byte HOLD = 'h';

  /** With a descriptor of a file of paths: no answer. */
  static final byte PATHS = 's';

  /** With a descriptor of the file to which it writes what it knows of those. */
  static final byte WRITE = 'w';

  /** Go on: no answer. */
  static final byte GO_ON = 'g';

  /** What it says by itself once it has told a new virtiofsd what the guest knows. */
  static final byte RESTORED = 'r';

  static final byte FAILED = 'f';

  /** An answer is at most so long. */
  static final int MOST_BYTES = 4096;

  private RelayWords() {}
}
