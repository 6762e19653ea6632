package dev.coracle.vm;

import dev.coracle.abi.Bytes;

/**
 * A frame between host and guest (docs/vm-protocol.md).
 *
 * <pre>
 * 0        4        6        8         12
 * | length |  type  |  zero  | session | payload |
 * </pre>
 */
public final class Frame {
  public static final int VERSION = 1;
  public static final int HEADER_BYTES = 12;
  public static final int MOST_PAYLOAD_BYTES = 16 * 1024;

  /** What a stream may be sent before anything was given back. */
  public static final int WINDOW_BYTES = 64 * 1024;

  /** A receiver gives back in pieces of at least this. */
  public static final int CREDIT_BYTES = WINDOW_BYTES / 2;

  public static final int MOST_SESSIONS = 64;

  /** Session of the machine itself. */
  public static final int MACHINE = 0;

  /** Session of the container's first process. */
  public static final int FIRST = 1;

  public static final int HELLO = 1;
  public static final int REQUEST = 2;
  public static final int START = 3;
  public static final int READY = 4;
  public static final int STARTED = 5;
  public static final int FAILED = 6;
  public static final int INPUT = 7;
  public static final int INPUT_END = 8;
  public static final int OUTPUT = 9;
  public static final int ERRORS = 10;
  public static final int CREDIT = 11;
  public static final int EXIT = 12;
  public static final int SIGNAL = 13;
  public static final int RESIZE = 14;
  public static final int CLOSE = 15;
  public static final int WARNING = 16;
  public static final int RESEED = 17;
  public static final int RESOLVE = 18;
  public static final int QUERY = 19;
  public static final int ANSWER = 20;
  public static final int CONNECT = 21;
  public static final int DATA = 22;
  public static final int SHUTDOWN = 23;
  public static final int CLOSED = 24;

  // Between the monitor and its clients alone, for a checkpoint (docs/vm-protocol.md).
  public static final int CHECKPOINT = 25;
  public static final int HOLD = 26;
  public static final int HELD = 27;
  public static final int STATE = 28;
  public static final int GO_ON = 29;
  private static final int LAST = GO_ON;

  /** How many queries of DNS may wait for their answers. */
  public static final int MOST_QUERIES = 32;

  /** What stands before the message in QUERY and ANSWER. */
  public static final int QUERY_HEADER_BYTES = 4;

  /** A header of DNS (RFC 1035, 4.1.1). */
  public static final int LEAST_QUERY_BYTES = 12;

  public static final int MOST_QUERY_BYTES = 4096;

  /** How many of the host's sockets a guest may be shown. */
  public static final int MOST_SOCKETS = 16;

  /** How many connections to them there may be at once. */
  public static final int MOST_CONNECTIONS = 32;

  /** What stands before the bytes in DATA: the connection's number. */
  public static final int DATA_HEADER_BYTES = 4;

  private Frame() {}

  /** Puts a header at {@code at}. */
  public static void putHeader(byte[] out, int at, int type, int session, int length) {
    Bytes.put32(out, at, length);
    Bytes.put16(out, at + 4, type);
    Bytes.put16(out, at + 6, 0);
    Bytes.put32(out, at + 8, session);
  }

  /** Whether a frame of the machine's session is one of a connection to a socket of the host. */
  public static boolean isOfConnection(int type) {
    return type >= CONNECT && type <= CLOSED || type == CREDIT;
  }

  /** Whether a frame is one of a checkpoint, which neither comes from the guest nor goes there. */
  public static boolean isOfCheckpoint(int type) {
    return type >= CHECKPOINT && type <= GO_ON;
  }

  /** Whether the type is one of the protocol's. */
  static boolean isType(int type) {
    return type >= HELLO && type <= LAST;
  }
}
