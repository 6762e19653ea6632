package dev.coracle.lifecycle;

import static dev.coracle.abi.Process.POLLIN;

import dev.coracle.criu.CriuRequest;
import dev.coracle.execute.Launcher;
import dev.coracle.kernel.Kernel;
import dev.coracle.machine.MachineDump;
import dev.coracle.state.ContainerState;
import dev.coracle.state.Status;
import java.util.ArrayList;
import java.util.List;

/** {@code checkpoint} and {@code restore} of a container in a machine: by QEMU, not by criu. */
final class MachineCheckpoint {
  private static final int LAST_WORDS_MILLIS = 3000;

  private MachineCheckpoint() {}

  /** Writes it, and deletes it unless it is to go on. */
  static void dump(Environment e, ContainerState state, Status status, CriuFlags flags)
      throws Failure {
    refuseOthers(flags);
    if (status == Status.PAUSED) {
      throw new Failure("a virtual machine that is paused cannot be checkpointed: resume it first");
    }
    Kernel k = e.kernel();
    int directory = CriuTalk.directory(k, "--image-path", flags.images(), true);
    MachineDump dump = new MachineDump(k, directory);
    String problem = dump.hold(state.pid());
    if (problem == null) {
      // Not before: while it is started, not all of them are there.
      problem = dump.write(Containers.processes(e, state));
    }
    if (problem == null && !flags.leaveRunning()) {
      // It must not go on before that.
      Delete.delete(e, state.id(), true);
    }
    long closed = Math.min(dump.close(), k.close(directory));
    if (problem == null && closed < 0) {
      problem = k.explain(closed);
    }
    if (problem != null) {
      throw new Failure("cannot checkpoint container \"" + state.id() + "\": " + problem);
    }
  }

  /** The directory of the checkpoint that a machine is to go on from. */
  static String images(Environment e, CriuFlags flags) throws Failure {
    refuseOthers(flags);
    Kernel k = e.kernel();
    int directory = CriuTalk.directory(k, "--image-path", flags.images(), false);
    String problem = MachineDump.missing(k, directory);
    long closed = k.close(directory);
    if (problem != null || closed < 0) {
      throw new Failure("--image-path: " + (problem == null ? k.explain(closed) : problem));
    }
    return flags.images();
  }

  /** Starts a machine that was made of a checkpoint, and waits until it goes on. */
  static void start(Environment e, Create.Request request, Create.Created created) throws Failure {
    String why = "the virtual machine does not go on after the checkpoint; its stderr says why";
    try {
      Start.start(e, request.id());
      Launcher launcher = created.launcher();
      if (MachineDump.awaitRunning(e.kernel(), launcher.pid(), launcher.pidfd())) {
        return;
      }
    } catch (Failure failure) {
      why = failure.getMessage();
    }
    // It says why itself, and then ends.
    int[] fds = {created.launcher().pidfd()};
    short[] events = {POLLIN};
    long ended = e.kernel().poll(fds, events, new short[1], LAST_WORDS_MILLIS);
    Failure failure = new Failure(ended < 0 ? why + "; it cannot be waited for" : why);
    throw Run.deleted(e, request.id(), request.pidFile(), failure);
  }

  /** What only criu can do. The other flags allow what a machine has no need of. */
  private static void refuseOthers(CriuFlags flags) throws Failure {
    List<String> refused = new ArrayList<>();
    if (flags.preDump()) {
      refused.add("--pre-dump");
    }
    if (flags.parent() != null) {
      refused.add("--parent-path");
    }
    if (flags.pageServer() != null) {
      refused.add("--page-server");
    }
    if (flags.statusFd() >= 0) {
      refused.add("--status-fd");
    }
    if (flags.on().contains(CriuRequest.Flag.LAZY_PAGES)) {
      refused.add("--lazy-pages");
    }
    if (flags.on().contains(CriuRequest.Flag.AUTO_DEDUP)) {
      refused.add("--auto-dedup");
    }
    if (flags.lsmProfile() != null) {
      refused.add("--lsm-profile");
    }
    if (flags.lsmMountContext() != null) {
      refused.add("--lsm-mount-context");
    }
    if (!refused.isEmpty()) {
      throw new Failure(String.join(", ", refused) + ": not for a virtual machine");
    }
  }
}
