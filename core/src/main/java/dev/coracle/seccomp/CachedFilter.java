package dev.coracle.seccomp;

import dev.coracle.abi.Bytes;
import dev.coracle.spec.CompiledSeccomp;
import org.jspecify.annotations.Nullable;

/**
 * A compiled filter with all that it was made from, as one file. Nothing is taken on trust: the
 * whole text is compared, so that two profiles can never be mistaken for each other, and a sum over
 * everything tells a file that was cut off, mixed or damaged.
 *
 * <pre>
 *  0       4       8           12          16              24        28
 *  | magic | flags | text size | prog size | sum (64 bits) | build n | build | text | program |
 * </pre>
 */
public final class CachedFilter {
  /** The largest file. */
  public static final int MOST_BYTES =
      ProfileText.MOST_BYTES + SeccompCompiler.MAX_INSTRUCTIONS * 8 + 256;

  private static final int MAGIC = 0x31435343;
  private static final int SUM = 16;
  private static final int HEADER = 28;
  private static final int INSTRUCTION = ProgramWriter.INSTRUCTION_BYTES;

  private CachedFilter() {}

  /**
   * The file.
   *
   * @param build which compiler made the program
   * @param text where {@code at} says what was compiled
   */
  public static byte[] encode(byte[] build, byte[] text, ProfileText at, CompiledSeccomp filter) {
    int length = at.to() - at.from();
    byte[] program = filter.program();
    byte[] out = new byte[HEADER + build.length + length + program.length];
    Bytes.put32(out, 0, MAGIC);
    Bytes.put32(out, 4, filter.flags());
    Bytes.put32(out, 8, length);
    Bytes.put32(out, 12, program.length);
    Bytes.put32(out, 24, build.length);
    System.arraycopy(build, 0, out, HEADER, build.length);
    System.arraycopy(text, at.from(), out, HEADER + build.length, length);
    System.arraycopy(program, 0, out, HEADER + build.length + length, program.length);
    Bytes.put64(out, SUM, sum(out, out.length));
    return out;
  }

  /** The filter that a file holds for this very text and build; null where it holds none. */
  public static @Nullable CompiledSeccomp decode(
      byte[] file, int length, byte[] build, byte[] text, ProfileText at) {
    int textLength = at.to() - at.from();
    int programFrom = HEADER + build.length + textLength;
    int programLength = length - programFrom;
    if (programLength < INSTRUCTION
        || programLength % INSTRUCTION != 0
        || Bytes.u32(file, 0) != MAGIC
        || Bytes.u32(file, 8) != textLength
        || Bytes.u32(file, 12) != programLength
        || Bytes.u32(file, 24) != build.length
        || !same(file, HEADER, build, 0, build.length)
        || !same(file, HEADER + build.length, text, at.from(), textLength)
        || Bytes.i64(file, SUM) != sum(file, length)) {
      return null;
    }
    byte[] program = new byte[programLength];
    System.arraycopy(file, programFrom, program, 0, programLength);
    return new CompiledSeccomp(program, Bytes.u32(file, 4));
  }

  private static boolean same(byte[] a, int aFrom, byte[] b, int bFrom, int length) {
    for (int i = 0; i < length; i++) {
      if (a[aFrom + i] != b[bFrom + i]) {
        return false;
      }
    }
    return true;
  }

  /** Over all bytes but the sum itself: every step can be undone, so no single change is lost. */
  private static long sum(byte[] file, int length) {
    long sum = length;
    int whole = length & -8;
    for (int i = 0; i < whole; i += 8) {
      sum = i == SUM ? sum : step(sum, Bytes.i64(file, i));
    }
    long last = 0;
    for (int i = length - 1; i >= whole; i--) {
      last = last << 8 | file[i] & 0xff;
    }
    return step(sum, last);
  }

  private static long step(long sum, long word) {
    long product = (sum ^ word) * 0x9e3779b97f4a7c15L;
    return product ^ product >>> 32;
  }
}
