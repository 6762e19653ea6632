package dev.coracle.seccomp;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The rules of one ABI, by system call number. */
final class Rules {
  final Abi abi;

  /**
   * The largest number that the profile names, whatever it says of it; −1 for none. Unlike runc, a
   * direct call that 32-bit x86 also multiplexes counts, or naming it alone would not permit it.
   */
  int largest = -1;

  /** What is neither decided nor has a branch. */
  private static final short OPEN = 0;

  private final int defaultCode;

  /**
   * By number: {@link #OPEN}, or a place in codes plus one, or minus a place in branches minus one.
   */
  private final short[] places = new short[SyscallTable.NUMBERS];

  private int[] codes = new int[8];
  private int codeCount;
  private final List<Branch> branches = new ArrayList<>(8);

  Rules(Abi abi, int defaultCode) {
    this.abi = abi;
    this.defaultCode = defaultCode;
  }

  /** Notes that the profile names a number. */
  void name(int number) {
    if (number > largest) {
      largest = number;
    }
  }

  /** Whether there is a last number to tell newer ones by; like in runc, 0 is none. */
  boolean hasLargest() {
    return largest > 0 || largest == 0 && abi.numberBit() != 0;
  }

  /** The answer where no branch matches. */
  int code(int number) {
    return places[number] > OPEN ? codes[places[number] - 1] : defaultCode;
  }

  /** The first conditional rule; null for none. */
  @Nullable Branch branch(int number) {
    return places[number] < OPEN ? branches.get(-places[number] - 1) : null;
  }

  /**
   * Adds a rule as libseccomp does: the first one without conditions is the only one that counts,
   * those with conditions are alternatives.
   */
  void add(int number, List<Condition> conditions, int code) {
    int place = places[number];
    if (place > OPEN) {
      return;
    }
    if (conditions.isEmpty()) {
      places[number] = (short) (placeOf(code) + 1);
      return;
    }
    Branch added = new Branch(conditions, code);
    if (place < OPEN) {
      branches.set(-place - 1, Branch.insert(branches.get(-place - 1), added));
    } else {
      branches.add(added);
      places[number] = (short) -branches.size();
    }
  }

  /** The place of a code; the last one is the likeliest. */
  private int placeOf(int code) {
    for (int i = codeCount - 1; i >= 0; i--) {
      if (codes[i] == code) {
        return i;
      }
    }
    if (codeCount == codes.length) {
      int[] larger = new int[2 * codeCount];
      System.arraycopy(codes, 0, larger, 0, codeCount);
      codes = larger;
    }
    codes[codeCount] = code;
    return codeCount++;
  }

  /**
   * Adds what a rule means for socketcall(2) and ipc(2), by which 32-bit x86 makes the same calls:
   * their first argument names the call. It takes the place of a condition on the first argument,
   * for the real arguments are behind a pointer, out of reach.
   */
  void addMultiplexed(int multiplexer, int call, List<Condition> conditions, int code) {
    List<Condition> out = new ArrayList<>(conditions.size() + 1);
    out.add(new Condition(0, Condition.Test.EQUAL, false, call, 0xffffffffL));
    for (int i = 0; i < conditions.size(); i++) {
      if (conditions.get(i).arg() != 0) {
        out.add(conditions.get(i));
      }
    }
    name(multiplexer);
    add(multiplexer, out, code);
  }
}
