package dev.coracle.seccomp;

import org.jspecify.annotations.Nullable;

/** All system call numbers of one AUDIT_ARCH, cut into ranges with one answer each. */
final class Ranges {
  private static final int OFFSET_NUMBER = 0;

  private final ProgramWriter out;
  private int[] starts = new int[128];
  private int[] codes = new int[128];
  private @Nullable Branch[] branches = new @Nullable Branch[128];
  private int count;

  Ranges(ProgramWriter out) {
    this.out = out;
  }

  /** Adds the range that begins at {@code start}; ranges come in order, as unsigned numbers. */
  void add(int start, int code, @Nullable Branch branch) {
    if (count > 0 && codes[count - 1] == code && Branch.same(branches[count - 1], branch)) {
      return;
    }
    if (count == starts.length) {
      grow();
    }
    starts[count] = start;
    codes[count] = code;
    branches[count] = branch;
    count++;
  }

  /** Writes the search; the place where it begins. */
  int write() {
    int place = write(0, count);
    return count > 1 || branches[0] != null ? load(place) : place;
  }

  private int load(int place) {
    out.follow(place);
    return out.load(OFFSET_NUMBER);
  }

  private int write(int from, int to) {
    if (to - from == 1) {
      int otherwise = out.answer(codes[from]);
      return BranchWriter.write(out, branches[from], otherwise);
    }
    int middle = from + to >>> 1;
    int right = write(middle, to);
    int left = write(from, middle);
    return out.ifGreaterOrEqual(starts[middle], right, left);
  }

  private void grow() {
    int larger = count * 2;
    int[] newStarts = new int[larger];
    int[] newCodes = new int[larger];
    @Nullable Branch[] newBranches = new @Nullable Branch[larger];
    System.arraycopy(starts, 0, newStarts, 0, count);
    System.arraycopy(codes, 0, newCodes, 0, count);
    System.arraycopy(branches, 0, newBranches, 0, count);
    starts = newStarts;
    codes = newCodes;
    branches = newBranches;
  }
}
