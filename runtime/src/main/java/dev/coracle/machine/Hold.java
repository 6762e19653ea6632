package dev.coracle.machine;

import dev.coracle.abi.Bytes;
import dev.coracle.abi.Process;
import dev.coracle.execute.Files;
import dev.coracle.kernel.Kernel;
import dev.coracle.vm.Frame;
import dev.coracle.vm.FrameReader;
import dev.coracle.vm.Qmp;
import dev.coracle.vm.SavedMachine;
import org.jspecify.annotations.Nullable;

/**
 * A machine that is held, so that a checkpoint can be made of it (docs/vm-protocol.md,
 * "Checkpoint"): nothing is on its way to the guest any more, and nothing of what it says is taken.
 * Who asked for it gets QEMU's monitor, and the ways to the guest and to what carries its files.
 */
final class Hold {
  /** How often it is asked whether the guest has read all. */
  static final int PAUSE_MILLIS = 1;

  private final Kernel k;
  private final int control;
  private final int qmp;
  private final int relay;
  private final byte[] queued = new byte[4];
  private @Nullable Slot asker;
  private boolean clientHeld;
  private boolean held;

  /**
   * Nothing is held.
   *
   * @param control the socket of the guest's port
   */
  Hold(Kernel k, int control, Programs.Saving saving) {
    this.k = k;
    this.control = control;
    this.qmp = saving.qmp();
    this.relay = saving.relay();
  }

  /** Whether the machine is held, or is to be. */
  boolean isOn() {
    return asker != null;
  }

  /** Whether it is held for this one. */
  boolean isFor(Slot slot) {
    return asker == slot;
  }

  /** Whether a checkpoint can be made of the machine at all. */
  boolean isPossible() {
    return qmp >= 0 && relay >= 0;
  }

  /** Begins with the first process's client. */
  void begin(Slot who, Slot first) {
    asker = who;
    clientHeld = false;
    held = false;
    first.hold();
  }

  /** That client stands still; false where nobody has asked it to. */
  boolean heldClient() {
    boolean asked = asker != null && !clientHeld;
    clientHeld |= asked;
    return asked;
  }

  /** Whether what the first process's client says is still heard. */
  boolean hears() {
    return asker == null || !clientHeld;
  }

  /** Whether the guest is to be looked at before long. */
  boolean isPending() {
    return asker != null && clientHeld && !held;
  }

  /** Whether the guest has read all that was written to it; −errno where that cannot be known. */
  long isQuiet() {
    long result = k.ioctlStruct(control, Process.SIOCOUTQ, queued);
    return result < 0 ? result : Bytes.u32(queued, 0) == 0 ? 1 : 0;
  }

  /**
   * Tells who has asked: the machine's state, what the guest has said of which not all has come,
   * and then HELD three times, with QEMU's monitor, the guest's port and the way to its files.
   */
  long tell(SavedMachine saved, FrameReader guest) {
    Slot slot = asker;
    if (slot == null) {
      return 0;
    }
    held = true;
    byte[] json = saved.json();
    long result = state(slot, json, 0, json.length);
    int from = guest.restAt();
    while (result >= 0 && from < guest.end()) {
      int count = Math.min(Frame.MOST_PAYLOAD_BYTES, guest.end() - from);
      result = state(slot, guest.buffer(), from, count);
      from += count;
    }
    byte[] frame = new byte[Frame.HEADER_BYTES];
    Frame.putHeader(frame, 0, Frame.HELD, slot.session, 0);
    for (int fd : new int[] {qmp, control, relay}) {
      result = result < 0 ? result : k.sendMessage(slot.fd, frame, fd);
    }
    return result;
  }

  private long state(Slot slot, byte[] bytes, int at, int length) {
    byte[] frame = new byte[Frame.HEADER_BYTES + length];
    Frame.putHeader(frame, 0, Frame.STATE, slot.session, length);
    System.arraycopy(bytes, at, frame, Frame.HEADER_BYTES, length);
    return Files.writeAll(k, slot.fd, frame, 0, frame.length);
  }

  /** Lets all go on; −errno where that cannot be. */
  long end(Slot first) {
    if (asker == null) {
      return 0;
    }
    asker = null;
    first.goOn();
    if (!held) {
      return 0;
    }
    // Whoever held it may have ended anywhere; the answers are read by nobody.
    long result = write(qmp, Qmp.migrateCancel(0));
    result = result < 0 ? result : write(qmp, Qmp.cont(0));
    return result < 0 ? result : write(relay, new byte[] {RelayWords.GO_ON});
  }

  private long write(int fd, byte[] bytes) {
    return Files.writeAll(k, fd, bytes, 0, bytes.length);
  }
}
