package dev.coracle.cgroup;

import dev.coracle.abi.Bytes;
import org.jspecify.annotations.Nullable;

/** A machine for the few eBPF instructions that a device program has, written from the kernel's. */
final class DeviceMachine {
  private DeviceMachine() {}

  /** Runs a program: what it leaves in r0. */
  static long run(byte[] code, int type, long major, long minor, int access) {
    long[] r = new long[11];
    byte[] context = new byte[12];
    Bytes.put32(context, 0, access << 16 | type);
    Bytes.put32(context, 4, major);
    Bytes.put32(context, 8, minor);
    int pc = 0;
    while (true) {
      int i = pc * 8;
      int dst = code[i + 1] & 15;
      int src = (code[i + 1] & 0xf0) >> 4;
      int off = (short) Bytes.u16(code, i + 2);
      int imm = (int) Bytes.u32(code, i + 4);
      pc++;
      switch (code[i] & 0xff) {
        case 0x61 -> r[dst] = Bytes.u32(context, off);
        case 0xb7 -> r[dst] = imm;
        case 0xbf -> r[dst] = r[src];
        case 0x07 -> r[dst] += imm;
        case 0x77 -> r[dst] >>>= imm;
        case 0x4f -> r[dst] |= r[src];
        case 0x64 -> r[dst] = r[dst] << imm & 0xffffffffL;
        case 0xa4 -> r[dst] = (r[dst] ^ imm) & 0xffffffffL;
        case 0x4c -> r[dst] = (r[dst] | r[src]) & 0xffffffffL;
        case 0x74 -> r[dst] = (r[dst] & 0xffffffffL) >>> imm;
        case 0x54 -> r[dst] = r[dst] & imm & 0xffffffffL;
        case 0x05 -> pc += off;
        case 0x15 -> pc += r[dst] == imm ? off : 0;
        case 0x45 -> pc += (r[dst] & imm) != 0 ? off : 0;
        case 0x55 -> pc += r[dst] != imm ? off : 0;
        case 0x95 -> {
          return r[0];
        }
        default -> throw new IllegalStateException("code " + code[i]);
      }
    }
  }

  /** What the kernel's verifier would refuse of the flow: null where nothing. */
  static @Nullable String verify(byte[] code) {
    int n = code.length / 8;
    boolean[] reached = new boolean[n];
    reached[0] = true;
    for (int pc = 0; pc < n; pc++) {
      if (!reached[pc]) {
        return "unreachable instruction " + pc;
      }
      int op = code[pc * 8] & 0xff;
      int off = (short) Bytes.u16(code, pc * 8 + 2);
      boolean jump = (op & 7) == 5 && op != 0x95;
      if (jump && (off < 0 || pc + 1 + off >= n)) {
        return "jump out of range at " + pc;
      }
      if (jump) {
        reached[pc + 1 + off] = true;
      }
      if (op != 0x95 && op != 0x05) {
        if (pc + 1 == n) {
          return "runs off the end";
        }
        reached[pc + 1] = true;
      }
    }
    return null;
  }
}
