package dev.coracle.machine;

import dev.coracle.abi.Bytes;
import dev.coracle.execute.Ring;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.vm.Frame;
import dev.coracle.vm.FrameReader;
import dev.coracle.vm.SavedMachine;
import java.util.List;

/**
 * A client as the monitor sees it, with what it is still to be told. The client may be slow, so
 * that nothing is written to it that would block; what waits is bounded by the credit of its
 * streams. A slot is used again for the next client.
 */
final class Slot {
  /** Nobody's. */
  static final int FREE = -1;

  /** In place of a last word that was said. */
  private static final int LAST_SAID = -1;

  final FrameReader reader = new FrameReader();
  private final Ring output = new Ring();
  private final Ring errors = new Ring();

  /** The frame that is being written, and how far it is. */
  private final byte[] frame = new byte[Frame.HEADER_BYTES + Frame.MOST_PAYLOAD_BYTES];

  private int frameFrom;
  private int frameTo;

  /** The last word, EXIT or FAILED, and its payload; 0 while there is none. */
  private final byte[] last = new byte[Frame.MOST_PAYLOAD_BYTES];

  private int lastType;
  private int lastLength;
  private final byte[] warnings = new byte[4096];
  private int warned;
  private long inputCredit;
  private boolean started;

  /** Whether the guest has been told of it. */
  private boolean known;

  // What the client is still to be told of a checkpoint, once it has heard all else.
  private boolean hold;
  private boolean goOn;

  // How much is on its way: bytes for which no credit was given back.
  private int outputOwed;
  private int errorsOwed;
  private int inputOwed;
  private boolean inputEnded;

  /** The connection; −1 where the client is gone. */
  int fd = -1;

  int session = FREE;

  /** Takes a client in. */
  void open(int connection, int number) {
    fd = connection;
    session = number;
    reader.clear();
    output.clear();
    errors.clear();
    frameFrom = 0;
    frameTo = 0;
    lastType = 0;
    inputCredit = 0;
    warned = 0;
    started = false;
    known = false;
    hold = false;
    goOn = false;
    outputOwed = 0;
    errorsOwed = 0;
    inputOwed = 0;
    inputEnded = false;
  }

  /** Takes in the client of a process that was restored, and runs by now. */
  void open(int connection, int number, SavedMachine saved) {
    open(connection, number);
    started = true;
    known = true;
    inputOwed = saved.input();
    inputEnded = saved.inputEnded();
    inputCredit = inputEnded ? 0 : Frame.WINDOW_BYTES - inputOwed;
  }

  /** Whether the guest has been told of it. */
  boolean isKnown() {
    return known;
  }

  /** Has the client stand still, once it has heard all else. */
  void hold() {
    hold = true;
  }

  /** Has it go on. */
  void goOn() {
    hold = false;
    goOn = true;
  }

  /** A frame of the client goes to the guest. */
  void passes(FrameReader from) {
    known = true;
    int count = from.length();
    switch (from.type()) {
      case Frame.INPUT -> inputOwed += count;
      case Frame.INPUT_END -> inputEnded = true;
      case Frame.CREDIT -> {
        int given = (int) from.number(0);
        outputOwed -= from.number(4) == 1 ? given : 0;
        errorsOwed -= from.number(4) == 2 ? given : 0;
      }
      default -> {}
    }
  }

  /** What of it is saved with a machine. */
  SavedMachine saved(
      Programs.Saving saving, boolean resolver, List<Integer> asked, int nextSession) {
    return new SavedMachine(
        saving.shape(),
        saving.macs(),
        resolver,
        asked,
        nextSession,
        outputOwed,
        errorsOwed,
        inputOwed,
        inputEnded);
  }

  /** Whether the guest has said the last word of it. */
  boolean isEnded() {
    return lastType != 0;
  }

  /** Whether there is something to write. */
  boolean hasMore() {
    return frameFrom < frameTo
        || started
        || warned > 0
        || inputCredit > 0
        || !output.isEmpty()
        || !errors.isEmpty()
        || hold
        || goOn
        || lastType > 0;
  }

  /** Takes a frame of the guest; false where it breaks the protocol. */
  boolean take(FrameReader from) {
    if (lastType != 0) {
      return false;
    }
    return switch (from.type()) {
      case Frame.STARTED -> {
        started = true;
        yield true;
      }
      case Frame.OUTPUT -> {
        outputOwed += from.length();
        yield output.put(from.buffer(), from.payloadAt(), from.length());
      }
      case Frame.ERRORS -> {
        errorsOwed += from.length();
        yield errors.put(from.buffer(), from.payloadAt(), from.length());
      }
      case Frame.CREDIT -> {
        inputOwed -= (int) from.number(0);
        inputCredit += from.number(0);
        yield inputCredit <= Frame.WINDOW_BYTES;
      }
      case Frame.EXIT, Frame.FAILED -> {
        end(from.type(), from.buffer(), from.payloadAt(), from.length());
        yield true;
      }
      case Frame.WARNING -> {
        warn(from.buffer(), from.payloadAt(), from.length());
        yield true;
      }
      default -> false;
    };
  }

  /** Keeps a warning for the client; of very many, the first ones. */
  void warn(byte[] text, int at, int count) {
    int length = Math.min(count, warnings.length - warned - 1);
    if (length <= 0) {
      return;
    }
    System.arraycopy(text, at, warnings, warned, length);
    warned += length;
    warnings[warned++] = '\n';
  }

  /** Says the last word, in whoever's name. */
  void end(int type, byte[] payload, int at, int length) {
    lastType = type;
    lastLength = Math.min(length, last.length);
    System.arraycopy(payload, at, last, 0, lastLength);
  }

  /** Writes what can be written; false once the last word is out, or nobody listens. */
  boolean write(Kernel k) {
    while (frameFrom < frameTo || next()) {
      long n = k.write(fd, frame, frameFrom, frameTo - frameFrom);
      if (n == -Errno.EAGAIN || n == -Errno.EINTR) {
        return true;
      }
      if (n < 0) {
        return false;
      }
      frameFrom += (int) n;
    }
    return lastType != LAST_SAID;
  }

  /** Makes the next frame; the last word comes after all output. */
  private boolean next() {
    int type;
    int length;
    if (warned > 0) {
      type = Frame.WARNING;
      length = warned - 1;
      System.arraycopy(warnings, 0, frame, Frame.HEADER_BYTES, length);
      warned = 0;
    } else if (started) {
      started = false;
      type = Frame.STARTED;
      length = 0;
    } else if (inputCredit > 0) {
      type = Frame.CREDIT;
      length = 8;
      Bytes.put32(frame, Frame.HEADER_BYTES, inputCredit);
      Bytes.put32(frame, Frame.HEADER_BYTES + 4, 0);
      inputCredit = 0;
    } else if (!output.isEmpty()) {
      type = Frame.OUTPUT;
      length = output.take(frame, Frame.HEADER_BYTES, Frame.MOST_PAYLOAD_BYTES);
    } else if (!errors.isEmpty()) {
      type = Frame.ERRORS;
      length = errors.take(frame, Frame.HEADER_BYTES, Frame.MOST_PAYLOAD_BYTES);
    } else if (hold || goOn) {
      type = hold ? Frame.HOLD : Frame.GO_ON;
      length = 0;
      hold = false;
      goOn = false;
    } else if (lastType > 0) {
      type = lastType;
      length = lastLength;
      System.arraycopy(last, 0, frame, Frame.HEADER_BYTES, length);
      lastType = LAST_SAID;
    } else {
      return false;
    }
    Frame.putHeader(frame, 0, type, session, length);
    frameFrom = 0;
    frameTo = Frame.HEADER_BYTES + length;
    return true;
  }
}
