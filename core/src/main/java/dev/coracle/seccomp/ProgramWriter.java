package dev.coracle.seccomp;

import dev.coracle.abi.Bytes;

/**
 * Writes a classic BPF program from its last instruction to its first, so that the target of every
 * jump, which can only go forward, is known. Places are counted from the end of the program.
 *
 * <pre>
 * struct sock_filter   0       16      24      32              64
 *                      | code  |  jt   |  jf   |       k       |
 * </pre>
 */
final class ProgramWriter {
  static final int INSTRUCTION_BYTES = 8;

  private static final int BPF_LD_W_ABS = 0x20;
  private static final int BPF_ALU_AND_K = 0x54;
  private static final int BPF_JMP_JA = 0x05;
  private static final int BPF_JMP_JEQ_K = 0x15;
  private static final int BPF_JMP_JGT_K = 0x25;
  private static final int BPF_JMP_JGE_K = 0x35;
  private static final int BPF_RET_K = 0x06;

  /** The farthest target: 255, less one for the other target's stepping stone. */
  private static final int NEAR = 254;

  private int[] heads = new int[512];
  private int[] ks = new int[512];
  private int length;

  /** The answers that were written last, and where. */
  private int[] codes = new int[8];

  private int[] places = new int[8];
  private int answers;

  int length() {
    return length;
  }

  /** Writes or reuses an instruction that returns {@code code}. */
  int answer(int code) {
    int i = 0;
    while (i < answers && codes[i] != code) {
      i++;
    }
    if (i < answers && length - places[i] - 1 <= NEAR) {
      return places[i];
    }
    if (i == codes.length) {
      codes = grown(codes);
      places = grown(places);
    }
    if (i == answers) {
      answers++;
    }
    codes[i] = code;
    places[i] = add(BPF_RET_K, code);
    return places[i];
  }

  /** Loads 32 bits of struct seccomp_data. */
  int load(int offset) {
    return add(BPF_LD_W_ABS, offset);
  }

  /** Masks what was loaded. */
  int and(int mask) {
    return add(BPF_ALU_AND_K, mask);
  }

  int ifEqual(int k, int then, int otherwise) {
    return test(BPF_JMP_JEQ_K, k, then, otherwise);
  }

  int ifGreater(int k, int then, int otherwise) {
    return test(BPF_JMP_JGT_K, k, then, otherwise);
  }

  int ifGreaterOrEqual(int k, int then, int otherwise) {
    return test(BPF_JMP_JGE_K, k, then, otherwise);
  }

  /** Makes {@code place} the next instruction for what is written now: a load runs on into it. */
  void follow(int place) {
    if (place == length - 1) {
      return;
    }
    if (heads[place] == BPF_RET_K) {
      add(BPF_RET_K, ks[place]);
    } else {
      add(BPF_JMP_JA, length - place - 1);
    }
  }

  byte[] program() {
    byte[] out = new byte[length * INSTRUCTION_BYTES];
    for (int i = 0; i < length; i++) {
      int at = (length - 1 - i) * INSTRUCTION_BYTES;
      Bytes.put32(out, at, heads[i]);
      Bytes.put32(out, at + 4, ks[i]);
    }
    return out;
  }

  private int test(int code, int k, int then, int otherwise) {
    if (then == otherwise) {
      return then;
    }
    int yes = near(then);
    int no = near(otherwise);
    int jt = length - yes - 1;
    int jf = length - no - 1;
    return add(code | jt << 16 | jf << 24, k);
  }

  /** The place itself, or, where it is too far for a test, a stepping stone to it. */
  private int near(int place) {
    if (length - place - 1 <= NEAR) {
      return place;
    }
    if (heads[place] == BPF_RET_K) {
      return answer(ks[place]);
    }
    return add(BPF_JMP_JA, length - place - 1);
  }

  private int add(int head, int k) {
    if (length == heads.length) {
      heads = grown(heads);
      ks = grown(ks);
    }
    heads[length] = head;
    ks[length] = k;
    return length++;
  }

  private static int[] grown(int[] old) {
    int[] out = new int[old.length * 2];
    System.arraycopy(old, 0, out, 0, old.length);
    return out;
  }
}
