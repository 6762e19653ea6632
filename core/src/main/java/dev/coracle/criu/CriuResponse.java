package dev.coracle.criu;

import dev.coracle.abi.Bytes;
import org.jspecify.annotations.Nullable;

/**
 * What criu answers: message criu_resp (images/rpc.proto of criu).
 *
 * @param type enum criu_req_type
 * @param script of a notification; empty where it is none
 * @param pid of a notification, or of the process that was restored; 0 where there is none
 * @param errno what failed; 0 where criu does not say
 * @param message what failed, in criu's words; empty where it does not say
 * @param version major, minor and sublevel as {@code 31500} for 3.15; 0 where it is none
 * @param features {@link #MEM_TRACK} and {@link #LAZY_PAGES}, as far as they are there
 */
public record CriuResponse(
    int type,
    boolean success,
    String script,
    int pid,
    int errno,
    String message,
    int version,
    int features) {

  /** enum criu_req_type: a notification. */
  public static final int NOTIFY = 6;

  /** Memory that was written to since a pre-dump can be told. */
  public static final int MEM_TRACK = 1;

  /** Memory can be fetched when it is needed. */
  public static final int LAZY_PAGES = 2;

  private static final int VARINT = 0;
  private static final int FIXED64 = 1;
  private static final int DELIMITED = 2;
  private static final int FIXED32 = 5;

  /** Reads a message; null where it is none. Fields that are not known are passed over. */
  public static @Nullable CriuResponse read(byte[] bytes, int length) {
    Reader r = new Reader(bytes, 0, length);
    int type = 0;
    boolean success = false;
    String script = "";
    int pid = 0;
    int errno = 0;
    String message = "";
    int version = 0;
    int features = 0;
    while (r.next()) {
      switch (r.field) {
        case 1 -> type = (int) r.number;
        case 2 -> success = r.number != 0;
        case 4 -> pid = r.number(1);
        case 5 -> {
          script = r.text(1);
          pid = r.number(2);
        }
        case 7 -> errno = (int) r.number;
        case 8 ->
            features = (r.number(1) != 0 ? MEM_TRACK : 0) | (r.number(2) != 0 ? LAZY_PAGES : 0);
        case 9 -> message = r.text();
        case 10 -> version = r.number(1) * 10_000 + r.number(2) * 100 + r.number(4);
        default -> {}
      }
    }
    return r.broken
        ? null
        : new CriuResponse(type, success, script, pid, errno, message, version, features);
  }

  /** Goes through the fields of one message. */
  private static final class Reader {
    private final byte[] bytes;
    private final int end;
    private int at;
    private int field;
    private long number;
    private int from;
    private int to;
    private boolean broken;

    Reader(byte[] bytes, int from, int end) {
      this.bytes = bytes;
      this.at = from;
      this.end = end;
    }

    /** Reads the next field; false at the end, and where there is nothing to understand. */
    boolean next() {
      if (at >= end || broken) {
        return false;
      }
      long key = varint();
      field = (int) (key >>> 3);
      number = 0;
      from = at;
      to = at;
      switch ((int) (key & 7)) {
        case VARINT -> number = varint();
        case FIXED64 -> at += 8;
        case FIXED32 -> at += 4;
        case DELIMITED -> {
          long size = varint();
          from = at;
          broken |= size < 0 || size > end - at;
          at = broken ? end : at + (int) size;
          to = at;
        }
        default -> broken = true;
      }
      broken |= at > end;
      return !broken;
    }

    private long varint() {
      long value = 0;
      for (int shift = 0; shift < 64; shift += 7) {
        if (at >= end) {
          break;
        }
        byte b = bytes[at++];
        value |= (b & 0x7fL) << shift;
        if (b >= 0) {
          return value;
        }
      }
      broken = true;
      return 0;
    }

    String text() {
      return Bytes.text(bytes, from, to);
    }

    /** The text of a field of the message that this field is. */
    String text(int inner) {
      Reader r = new Reader(bytes, from, to);
      String out = "";
      while (r.next()) {
        out = r.field == inner ? r.text() : out;
      }
      broken |= r.broken;
      return out;
    }

    /** The number of a field of the message that this field is. */
    int number(int inner) {
      Reader r = new Reader(bytes, from, to);
      long out = 0;
      while (r.next()) {
        out = r.field == inner ? r.number : out;
      }
      broken |= r.broken;
      return (int) out;
    }
  }
}
