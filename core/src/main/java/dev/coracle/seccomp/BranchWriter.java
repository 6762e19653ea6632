package dev.coracle.seccomp;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Writes conditional rules: each in turn, the first one whose conditions all hold answers. */
final class BranchWriter {
  private static final int OFFSET_ARGS = 16;
  private static final int FEW = 4;

  private BranchWriter() {}

  /** Writes a chain of rules; the place where it begins. */
  static int write(ProgramWriter out, @Nullable Branch first, int otherwise) {
    if (first == null) {
      return otherwise;
    }
    // A list, not a recursion: a profile's length must not decide how deep the stack gets.
    List<Branch> chain = new ArrayList<>(FEW);
    for (Branch b = first; b != null; b = b.next) {
      chain.add(b);
    }
    int place = otherwise;
    for (int i = chain.size() - 1; i >= 0; i--) {
      place = rule(out, chain.get(i), place);
    }
    return place;
  }

  /** Writes one rule; {@code next} is where it goes unless all its conditions hold. */
  private static int rule(ProgramWriter out, Branch branch, int next) {
    List<Condition> conditions = branch.conditions;
    int place = out.answer(branch.code);
    for (int i = conditions.size() - 1; i >= 0; i--) {
      Condition c = conditions.get(i);
      place = c.negated() ? test(out, c, next, place) : test(out, c, place, next);
    }
    return place;
  }

  /** Writes one test of 64 bits, or of 32 where the upper half of the mask is empty. */
  private static int test(ProgramWriter out, Condition c, int then, int otherwise) {
    int low = OFFSET_ARGS + c.arg() * 8;
    int value = (int) c.value();
    int highValue = (int) (c.value() >>> 32);
    int highMask = (int) (c.mask() >>> 32);
    int place;
    if ((int) c.mask() == 0) {
      place = then;
    } else {
      place =
          switch (c.test()) {
            case EQUAL -> out.ifEqual(value, then, otherwise);
            case GREATER -> out.ifGreater(value, then, otherwise);
            case GREATER_OR_EQUAL -> out.ifGreaterOrEqual(value, then, otherwise);
          };
      place = loaded(out, place, low, (int) c.mask());
    }
    if (highMask == 0) {
      return place;
    }
    place = out.ifEqual(highValue, place, otherwise);
    if (c.test() != Condition.Test.EQUAL) {
      // Equal upper halves leave it to the lower ones; else the upper ones decide.
      place = out.ifGreater(highValue, then, place);
    }
    return loaded(out, place, low + 4, highMask);
  }

  /** Writes a load, and a mask where one is needed, before a test. */
  private static int loaded(ProgramWriter out, int place, int offset, int mask) {
    out.follow(place);
    if (mask != -1) {
      out.and(mask);
    }
    return out.load(offset);
  }
}
