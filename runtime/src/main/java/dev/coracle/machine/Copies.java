package dev.coracle.machine;

import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_RDONLY;
import static dev.coracle.abi.Process.MSG_DONTWAIT;
import static dev.coracle.abi.Process.POLLIN;

import dev.coracle.abi.Bytes;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.machine.Qemu.Lines;
import dev.coracle.machine.Starting.Kind;
import dev.coracle.sandbox.MicroVmSandbox;
import dev.coracle.vm.Frame;
import dev.coracle.vm.FrameReader;
import dev.coracle.vm.Machine;
import dev.coracle.vm.Qmp;
import org.jspecify.annotations.Nullable;

/** Copies a machine that was stopped, which is made first where there is none. */
final class Copies {
  /** How long QEMU may take to write or to read a machine's state. */
  private static final int STATE_MILLIS = 30_000;

  private static final int NONE = Machine.NONE;

  private final Kernel k;
  private final Starting s;
  private final Lines lines;

  Copies(Starting starting, Lines lines) {
    this.k = starting.k;
    this.s = starting;
    this.lines = lines;
  }

  /**
   * Starts a copy; the text is why it cannot be.
   *
   * @param key all that shapes it
   */
  @Nullable String start(String key) {
    Template template = new Template(k, MicroVmSandbox.MACHINES_AT, key);
    Template.Opened files = template.open();
    if (files.problem() == -Errno.ENOENT) {
      files = template.begin();
      String problem = null;
      if (files.isEmpty()) {
        problem = made(template, files);
        // Anew, for what was written stands at its end.
        files = problem == null ? template.open() : files;
      }
      long ended = template.end();
      if (problem == null && ended < 0) {
        problem = k.explain(ended);
      }
      if (problem != null) {
        return "cannot make a template: " + problem;
      }
    }
    if (files.problem() < 0) {
      return "cannot open the template: " + k.explain(files.problem());
    }
    String problem = copy((int) files.memory(), (int) files.state());
    long closed = Math.min(k.close((int) files.memory()), k.close((int) files.state()));
    return problem == null && closed < 0 ? "cannot close: " + k.explain(closed) : problem;
  }

  private @Nullable String made(Template template, Template.Opened files) {
    String problem = files.problem() < 0 ? k.explain(files.problem()) : make(files);
    long result = problem == null ? template.finish() : template.abandon();
    return problem == null && result < 0 ? k.explain(result) : problem;
  }

  private @Nullable String make(Template.Opened files) {
    Kind kind = Kind.template((int) files.memory());
    String problem = s.greet(lines, by -> s.startQemu(by, kind), false);
    if (problem == null) {
      QmpSession qemu = new QmpSession(k, s.qmp[0], STATE_MILLIS);
      problem = qemu.ask(Qmp::capabilities);
      if (problem == null) {
        problem = Template.freeze(k, qemu, (int) files.state(), true);
      }
    }
    hearWarnings();
    long result = s.stop();
    result =
        Math.min(result, Math.min(k.close((int) files.memory()), k.close((int) files.state())));
    return problem == null && result < 0 ? "cannot stop it: " + k.explain(result) : problem;
  }

  /** What the guest had to say of its start: copies know nothing of it. */
  private void hearWarnings() {
    FrameReader reader = new FrameReader();
    long n = k.read(s.control[0], reader.buffer(), 0, reader.room());
    reader.took((int) Math.max(0, n));
    while (reader.next()) {
      if (reader.type() == Frame.WARNING) {
        s.warnings.add(reader.text(0));
      }
    }
  }

  private @Nullable String copy(int memory, int state) {
    String problem = s.startFiles(lines);
    if (problem == null) {
      problem = s.startQemu(lines, Kind.copy(memory));
    }
    if (problem == null) {
      QmpSession qemu = new QmpSession(k, s.qmp[0], STATE_MILLIS);
      problem = Template.thaw(k, qemu, state, true);
    }
    return problem == null ? s.startRelay(NONE, NONE) : problem;
  }

  /** Waits until virtiofsd has been told all that the guest knows. */
  private @Nullable String awaitFiles() {
    byte[] word = new byte[RelayWords.MOST_BYTES];
    int[] fds = {s.relay[0], s.files};
    short[] events = {POLLIN, POLLIN};
    long n = k.poll(fds, events, new short[2], STATE_MILLIS);
    if (n > 0) {
      n = k.recv(s.relay[0], word, 0, word.length, MSG_DONTWAIT);
    }
    if (n > 0) {
      return word[0] == RelayWords.RESTORED ? null : Bytes.text(word, 1, (int) n);
    }
    return n == 0
        ? "what carries the guest's files does not answer"
        : "what carries the guest's files is gone: " + k.explain(n);
  }

  /** Starts a machine that goes on after a checkpoint; the text is why it cannot be. */
  @Nullable String restore() {
    int[] fds = {NONE, NONE, NONE};
    String[] names = {SavedFiles.STATE, SavedFiles.FILES, SavedFiles.ASKED};
    for (int i = 0; i < fds.length; i++) {
      String path = MicroVmSandbox.CHECKPOINT_AT + "/" + names[i];
      long fd = k.openat2(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0, 0);
      if (fd < 0) {
        return "cannot open the checkpoint's " + names[i] + ": " + k.explain(fd);
      }
      fds[i] = (int) fd;
    }
    String problem = s.startFiles(lines);
    if (problem == null) {
      problem = s.startQemu(lines, Kind.RESTORED);
    }
    if (problem == null) {
      problem = s.startRelay(fds[1], fds[2]);
    }
    if (problem == null) {
      problem = awaitFiles();
    }
    if (problem == null) {
      problem = Template.thaw(k, new QmpSession(k, s.qmp[0], STATE_MILLIS), fds[0], false);
    }
    long closed = 0;
    for (int fd : fds) {
      closed = Math.min(closed, k.close(fd));
    }
    return problem == null && closed < 0 ? "cannot close: " + k.explain(closed) : problem;
  }
}
