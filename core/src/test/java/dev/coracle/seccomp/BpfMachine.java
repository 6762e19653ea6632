package dev.coracle.seccomp;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.abi.Bytes;

/** The kernel's classic BPF machine, as far as seccomp lets programs use it, and its checks. */
final class BpfMachine {
  private final byte[] program;
  private final int length;

  /** Takes a program that the kernel would take (bpf_check_classic, seccomp_check_filter). */
  BpfMachine(byte[] program) {
    this.program = program;
    this.length = program.length / 8;
    assertThat(program.length % 8).isZero();
    assertThat(length).isBetween(1, SeccompCompiler.MAX_INSTRUCTIONS);
    for (int pc = 0; pc < length; pc++) {
      check(pc);
    }
    assertThat(code(length - 1)).as("the last instruction").isEqualTo(0x06);
  }

  /** What the program answers. */
  int run(int number, int arch, long[] args) {
    int accumulator = 0;
    int pc = 0;
    while (true) {
      int k = k(pc);
      int at = pc++;
      switch (code(at)) {
        case 0x20 -> accumulator = data(k, number, arch, args);
        case 0x54 -> accumulator &= k;
        case 0x05 -> pc += k;
        case 0x15 -> pc += accumulator == k ? jt(at) : jf(at);
        case 0x25 -> pc += Integer.compareUnsigned(accumulator, k) > 0 ? jt(at) : jf(at);
        case 0x35 -> pc += Integer.compareUnsigned(accumulator, k) >= 0 ? jt(at) : jf(at);
        case 0x06 -> {
          return k;
        }
        default -> throw new AssertionError(code(at));
      }
    }
  }

  private void check(int pc) {
    switch (code(pc)) {
      case 0x20 -> assertThat(k(pc) >= 0 && k(pc) < 64 && k(pc) % 4 == 0).as("load").isTrue();
      case 0x05 -> assertThat(k(pc) >= 0 && pc + 1 + (long) k(pc) < length).as("ja").isTrue();
      case 0x15, 0x25, 0x35 -> {
        assertThat(pc + 1 + jt(pc)).isLessThan(length);
        assertThat(pc + 1 + jf(pc)).isLessThan(length);
      }
      case 0x54, 0x06 -> {}
      default -> throw new AssertionError("not allowed: " + code(pc));
    }
  }

  private static int data(int offset, int number, int arch, long[] args) {
    return switch (offset) {
      case 0 -> number;
      case 4 -> arch;
      case 8, 12 -> 0x400000;
      default -> (int) (args[(offset - 16) / 8] >>> (offset % 8 * 8));
    };
  }

  private int code(int pc) {
    return Bytes.u16(program, pc * 8);
  }

  private int jt(int pc) {
    return program[pc * 8 + 2] & 0xff;
  }

  private int jf(int pc) {
    return program[pc * 8 + 3] & 0xff;
  }

  private int k(int pc) {
    return (int) Bytes.u32(program, pc * 8 + 4);
  }
}
