package dev.coracle.vm;

import dev.coracle.abi.Bytes;
import org.jspecify.annotations.Nullable;

/**
 * Finds the frames in a stream of bytes, and allocates nothing while it does: bytes are read into
 * {@link #buffer} from {@link #end} on, at most {@link #room} of them, and {@link #took} is told;
 * then {@link #next} finds frame after frame. What comes in may be hostile.
 */
public final class FrameReader {
  private static final int CAPACITY = 2 * (Frame.HEADER_BYTES + Frame.MOST_PAYLOAD_BYTES);

  private final byte[] buffer = new byte[CAPACITY];
  private int start;
  private int end;
  private int frameAt;
  private @Nullable String defect;

  /** Forgets everything: another stream begins. */
  public void clear() {
    start = 0;
    end = 0;
    frameAt = 0;
    defect = null;
  }

  /** Where bytes are read to, and where payloads stand. */
  public byte[] buffer() {
    return buffer;
  }

  /** Where the next bytes go. */
  public int end() {
    return end;
  }

  /** How many fit; never 0 once {@link #next} has said that there is no whole frame. */
  public int room() {
    return CAPACITY - end;
  }

  /** So many bytes were put behind {@link #end}. */
  public void took(int count) {
    end += count;
  }

  /**
   * Goes to the next whole frame. What was known of the one before is gone.
   *
   * @return false where there is none yet, or where the stream is broken: see {@link #defect}
   */
  public boolean next() {
    if (defect != null) {
      return false;
    }
    if (end - start < Frame.HEADER_BYTES) {
      compact();
      return false;
    }
    long length = Bytes.u32(buffer, start);
    int type = Bytes.u16(buffer, start + 4);
    if (length > Frame.MOST_PAYLOAD_BYTES) {
      defect = "a frame of " + length + " bytes";
      return false;
    }
    if (!Frame.isType(type) || Bytes.u16(buffer, start + 6) != 0) {
      defect = "a frame of unknown type " + type;
      return false;
    }
    int whole = Frame.HEADER_BYTES + (int) length;
    if (end - start < whole) {
      compact();
      return false;
    }
    frameAt = start;
    start += whole;
    return true;
  }

  /** Moves the piece that is left to the front. */
  private void compact() {
    if (start > 0) {
      System.arraycopy(buffer, start, buffer, 0, end - start);
      end -= start;
      start = 0;
    }
  }

  /** Where the piece begins of which there is no whole frame yet; it ends at {@link #end}. */
  public int restAt() {
    return start;
  }

  /** Why the stream cannot be read any more, or null. */
  public @Nullable String defect() {
    return defect;
  }

  /** Where the whole frame stands, header and all. */
  public int frameAt() {
    return frameAt;
  }

  /** Its length with the header. */
  public int frameLength() {
    return Frame.HEADER_BYTES + length();
  }

  public int type() {
    return Bytes.u16(buffer, frameAt + 4);
  }

  public int session() {
    return (int) Bytes.u32(buffer, frameAt + 8);
  }

  /** Where the payload begins. */
  public int payloadAt() {
    return frameAt + Frame.HEADER_BYTES;
  }

  /** The payload's length. */
  public int length() {
    return (int) Bytes.u32(buffer, frameAt);
  }

  /** The u32 at an offset of the payload; 0 where the payload is shorter. */
  public long number(int offset) {
    return offset + 4 <= length() ? Bytes.u32(buffer, payloadAt() + offset) : 0;
  }

  /** The payload from an offset on, as text. */
  public String text(int offset) {
    int from = payloadAt() + Math.min(offset, length());
    return Bytes.text(buffer, from, payloadAt() + length());
  }
}
