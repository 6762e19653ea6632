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

  private final int defaultCode;
  private final boolean[] decided = new boolean[SyscallTable.NUMBERS];
  private final int[] codes = new int[SyscallTable.NUMBERS];
  private final @Nullable Branch[] branches = new @Nullable Branch[SyscallTable.NUMBERS];

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
    return decided[number] ? codes[number] : defaultCode;
  }

  /** The first conditional rule; null for none. */
  @Nullable Branch branch(int number) {
    return branches[number];
  }

  /**
   * Adds a rule as libseccomp does: the first one without conditions is the only one that counts,
   * those with conditions are alternatives.
   */
  void add(int number, List<Condition> conditions, int code) {
    if (decided[number]) {
      return;
    }
    if (conditions.isEmpty()) {
      decided[number] = true;
      codes[number] = code;
      branches[number] = null;
      return;
    }
    branches[number] = Branch.insert(branches[number], new Branch(conditions, code));
  }

  /**
   * Adds what a rule means for socketcall(2) and ipc(2), by which 32-bit x86 makes the same calls:
   * their first argument names the call. It takes the place of a condition on the first argument,
   * for the real arguments are behind a pointer, out of reach.
   */
  void addMultiplexed(int multiplexer, int call, List<Condition> conditions, int code) {
    List<Condition> out = new ArrayList<>();
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
