package dev.coracle.cli;

import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.O_APPEND;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_CREAT;
import static dev.coracle.abi.Fcntl.O_WRONLY;
import static dev.coracle.abi.Process.CLOCK_REALTIME;

import dev.coracle.abi.Bytes;
import dev.coracle.execute.Files;
import dev.coracle.execute.RelativePath;
import dev.coracle.json.JsonWriter;
import dev.coracle.kernel.Kernel;
import dev.coracle.lifecycle.Environment;
import dev.coracle.lifecycle.Failure;
import dev.coracle.lifecycle.Timestamp;
import org.jspecify.annotations.Nullable;

/**
 * Messages: on standard error always, and in the log file where there is one. Some engines read
 * that file as one JSON object, so unless more was asked for it gets the one error and no more.
 */
final class Log implements Environment.Output {
  private static final long NANOS = 1_000_000_000L;
  private final Kernel k;
  private @Nullable String file;
  private boolean json;
  private boolean warnings;
  private boolean debugs;

  Log(Kernel kernel) {
    this.k = kernel;
  }

  /** Takes the flags. */
  void configure(Arguments global) throws Failure {
    String path = global.value("log");
    // Verbs change the working directory; the caller's is meant.
    file = path == null || path.startsWith("/") ? path : RelativePath.absolute(k, path);
    String format = global.value("log-format", "text");
    if (!format.equals("text") && !format.equals("json")) {
      throw new Failure("--log-format must be text or json, not \"" + format + "\"");
    }
    json = format.equals("json");
    String level = global.value("log-level", "error");
    debugs = global.is("debug") || level.equals("debug");
    warnings = debugs || level.equals("warning");
  }

  @Override
  public void print(String text) throws Failure {
    byte[] bytes = Bytes.utf8(text);
    long result = Files.writeAll(k, 1, bytes, 0, bytes.length);
    if (result < 0) {
      throw new Failure("cannot write to standard output: " + k.explain(result));
    }
  }

  @Override
  public void warn(String text) {
    write(2, "warning: " + text + "\n");
    if (warnings) {
      append("warning", text);
    }
  }

  @Override
  public boolean debugs() {
    return debugs;
  }

  @Override
  public void debug(String text) {
    if (file == null) {
      write(2, line("debug", text));
    } else {
      append("debug", text);
    }
  }

  /** Tells of the failure that ends the run. */
  void error(String text) {
    write(2, text + "\n");
    append("error", text);
  }

  private String line(String level, String text) {
    long now = Math.max(0, k.clock_gettime(CLOCK_REALTIME));
    String time = Timestamp.rfc3339(now / NANOS * NANOS);
    if (json) {
      JsonWriter out = JsonWriter.compact();
      out.object().field("level", level).field("msg", text).field("time", time).endObject();
      return out + "\n";
    }
    JsonWriter quoted = JsonWriter.compact();
    quoted.value(text);
    return "time=\"" + time + "\" level=" + level + " msg=" + quoted + "\n";
  }

  private void append(String level, String text) {
    String path = file;
    if (path == null) {
      return;
    }
    long flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
    long fd = k.openat2(AT_FDCWD, path, flags, 0644, 0);
    if (fd < 0) {
      write(2, "log file \"" + path + "\": " + k.explain(fd) + "\n");
      return;
    }
    write((int) fd, line(level, text));
    long closed = k.close((int) fd);
    if (closed < 0) {
      write(2, "log file \"" + path + "\": " + k.explain(closed) + "\n");
    }
  }

  private void write(int fd, String text) {
    byte[] bytes = Bytes.utf8(text);
    long result = Files.writeAll(k, fd, bytes, 0, bytes.length);
    if (result < 0 && fd != 2) {
      write(2, "log file: " + k.explain(result) + "\n");
    }
  }
}
