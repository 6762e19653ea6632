package dev.coracle.machine;

import dev.coracle.kernel.Kernel;
import dev.coracle.vm.RequestWriter;
import dev.coracle.vm.SavedMachine;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The programs that run a machine. */
public interface Programs {
  /**
   * What a checkpoint takes.
   *
   * @param qmp QEMU's monitor; −1 where it has none
   * @param relay the way to what carries the guest's files; −1 where nothing of ours does
   * @param shape what the machine is made of
   * @param macs those of its network interfaces
   */
  record Saving(int qmp, int relay, List<String> shape, List<String> macs) {
    /** Of a machine of which no checkpoint can be made. */
    static final Saving NEVER = new Saving(-1, -1, List.of(), List.of());
  }

  /**
   * What was started.
   *
   * @param problem why it could not be; null where it was
   * @param gone whether it was, and the guest is what cannot go on
   * @param control the socket of the guest's port, which does not block
   * @param vmm the pidfd of what runs the guest
   * @param files the pidfd of what serves its files; −1 for none
   * @param console what they and the guest say, which does not block
   * @param told what the guest is told of its devices
   * @param said what has come on the console by now
   * @param warnings for whoever waits for the machine
   * @param saving what a checkpoint takes
   */
  record Started(
      @Nullable String problem,
      boolean gone,
      int control,
      int vmm,
      int files,
      int console,
      List<RequestWriter> told,
      Tail said,
      List<String> warnings,
      Saving saving) {
    static Started failed(boolean gone, String problem) {
      return new Started(
          problem, gone, -1, -1, -1, -1, List.of(), new Tail(), List.of(), Saving.NEVER);
    }
  }

  /**
   * Starts them, in the container's namespaces and in the root around its root filesystem, and
   * waits until the guest has said its first word.
   *
   * @param client the connection of who waits for it
   * @param saved what the machine was that is to go on after a checkpoint; null for a new one
   */
  Started start(Kernel k, int client, @Nullable SavedMachine saved);
}
