package dev.coracle.vm;

import dev.coracle.abi.Bytes;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A request, put together of its pieces and then read field by field. */
public final class RequestReader {
  /** A config.json of 8 MiB and what goes with it. */
  public static final int MOST_BYTES = 9 * 1024 * 1024;

  private static final int FIRST_BYTES = 16 * 1024;

  /** One field, where it stands in the request's bytes. */
  public record Part(Field field, int at, int length) {}

  private byte[] bytes = new byte[FIRST_BYTES];
  private int length;

  /** Forgets the pieces, and keeps the memory for the next request. */
  public void clear() {
    length = 0;
  }

  /** Takes the next piece; false where it is too much. */
  public boolean take(byte[] from, int at, int count) {
    if (count > MOST_BYTES - length) {
      return false;
    }
    if (length + count > bytes.length) {
      int larger = Math.min(MOST_BYTES, Math.max(length + count, bytes.length * 2));
      byte[] more = new byte[larger];
      System.arraycopy(bytes, 0, more, 0, length);
      bytes = more;
    }
    System.arraycopy(from, at, bytes, length, count);
    length += count;
    return true;
  }

  public byte[] bytes() {
    return bytes;
  }

  public int length() {
    return length;
  }

  /** All fields in order, or null where they do not fill the bytes exactly, or one is unknown. */
  public @Nullable List<Part> parts() {
    List<Part> out = new ArrayList<>();
    int at = 0;
    while (at < length) {
      if (length - at < RequestWriter.FIELD_HEADER_BYTES) {
        return null;
      }
      Field field = Field.of(bytes[at] & 0xff);
      long count = Bytes.u32(bytes, at + 1);
      at += RequestWriter.FIELD_HEADER_BYTES;
      if (field == null || count > length - at) {
        return null;
      }
      out.add(new Part(field, at, (int) count));
      at += (int) count;
    }
    return out;
  }

  /** A field's text. */
  public String text(Part part) {
    return Bytes.text(bytes, part.at(), part.at() + part.length());
  }
}
