package dev.coracle.machine;

import dev.coracle.abi.Bytes;
import dev.coracle.execute.Files;
import dev.coracle.kernel.Kernel;

/**
 * What the processes of a machine have to say to people: there is no log of the engine's any more.
 */
final class Words {
  private Words() {}

  /** Says it on stderr. */
  static void say(Kernel k, String text) {
    byte[] line = Bytes.utf8("coracle: " + text + "\r\n");
    if (k.ioctlStruct(2, dev.coracle.abi.Process.TIOCGWINSZ, new byte[8]) < 0) {
      line = Bytes.utf8("coracle: " + text + "\n");
    }
    long written = Files.writeAll(k, 2, line, 0, line.length);
    if (written < 0) {
      return; // Nobody reads.
    }
  }
}
