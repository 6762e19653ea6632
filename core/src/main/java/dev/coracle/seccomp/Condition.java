package dev.coracle.seccomp;

import dev.coracle.spec.Seccomp.Arg;
import java.util.ArrayList;
import java.util.List;

/**
 * One comparison as one ABI sees it: values cut to its width, both sides masked.
 *
 * @param arg 0 to 5
 * @param negated whether it holds where the test does not
 */
record Condition(int arg, Test test, boolean negated, long value, long mask) {
  /** The spec's words, in the order of {@link #of(Arg, boolean)}. */
  static final String WORDS =
      " SCMP_CMP_NE SCMP_CMP_LT SCMP_CMP_LE SCMP_CMP_EQ SCMP_CMP_GE SCMP_CMP_GT"
          + " SCMP_CMP_MASKED_EQ ";

  private static final long LOW = 0xffffffffL;

  /** What the kernel's machine can test. */
  enum Test {
    EQUAL,
    GREATER,
    GREATER_OR_EQUAL
  }

  /** Whether the word is an operator of the spec. */
  static boolean isOperator(String word) {
    return Words.indexOf(WORDS, word) >= 0;
  }

  /** A comparison as it is on an ABI of 64 or 32 bits. */
  static Condition of(Arg arg, boolean wide) {
    long width = wide ? -1 : LOW;
    long v = arg.value() & width;
    int at = arg.index();
    return switch (Words.indexOf(WORDS, arg.op())) {
      case 0 -> new Condition(at, Test.EQUAL, true, v, width);
      case 1 -> new Condition(at, Test.GREATER_OR_EQUAL, true, v, width);
      case 2 -> new Condition(at, Test.GREATER, true, v, width);
      case 3 -> new Condition(at, Test.EQUAL, false, v, width);
      case 4 -> new Condition(at, Test.GREATER_OR_EQUAL, false, v, width);
      case 5 -> new Condition(at, Test.GREATER, false, v, width);
      case 6 -> new Condition(at, Test.EQUAL, false, arg.valueTwo() & v, v);
      default -> throw new IllegalArgumentException(arg.op());
    };
  }

  /** All comparisons of a rule that say anything, by argument. */
  static List<Condition> all(List<Arg> args, boolean wide) {
    List<Condition> out = new ArrayList<>(args.size());
    for (int index = 0; index < 6; index++) {
      for (int i = 0; i < args.size(); i++) {
        if (args.get(i).index() == index) {
          Condition c = of(args.get(i), wide);
          // A mask without bits compares nothing: libseccomp leaves it out too.
          if (c.mask != 0) {
            out.add(c);
          }
        }
      }
    }
    return out;
  }

  /**
   * Which of two conditions libseccomp tests first (its _db_chain_lt): the later argument, then
   * equality before "less" before "greater", then the narrower value.
   */
  static int order(Condition a, Condition b) {
    if (a.arg != b.arg) {
      return b.arg - a.arg;
    }
    if (a.kind() != b.kind()) {
      return b.kind() - a.kind();
    }
    int values = Long.compareUnsigned(b.value, a.value);
    return a.kind() == 2 ? -values : values;
  }

  private int kind() {
    if (test == Test.EQUAL) {
      return 3;
    }
    return negated ? 2 : 1;
  }
}
