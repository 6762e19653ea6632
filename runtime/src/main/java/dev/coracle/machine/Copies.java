package dev.coracle.machine;

import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.machine.Qemu.Lines;
import dev.coracle.machine.Starting.Kind;
import dev.coracle.sandbox.MicroVmSandbox;
import dev.coracle.vm.Frame;
import dev.coracle.vm.FrameReader;
import org.jspecify.annotations.Nullable;

/** Copies a machine that was stopped, which is made first where there is none. */
final class Copies {
  /** How long QEMU may take to write or to read a machine's state. */
  private static final int STATE_MILLIS = 30_000;

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
      problem = Template.freeze(k, new QmpSession(k, s.qmp[0], STATE_MILLIS), (int) files.state());
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
      problem = Template.thaw(k, new QmpSession(k, s.qmp[0], STATE_MILLIS), state);
    }
    return problem == null ? s.startRelay() : problem;
  }
}
