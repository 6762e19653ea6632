package dev.coracle.it.harness;

import com.google.gson.JsonElement;

/** How a command ended and what it wrote. */
public record Result(String command, int exitCode, String stdout, String stderr) {
  /** This result, if the command succeeded. */
  public Result ok() {
    return exitsWith(0);
  }

  /** This result, if the command ended with a code. */
  public Result exitsWith(int code) {
    if (exitCode != code) {
      throw new AssertionError("exit code " + exitCode + " instead of " + code + ": " + this);
    }
    return this;
  }

  /** This result, if the command failed. */
  public Result fails() {
    if (exitCode == 0) {
      throw new AssertionError("should have failed: " + this);
    }
    return this;
  }

  /** What it wrote to stderr; the quotes that runc escapes there are plain. */
  public String error() {
    return stderr.replace("\\\"", "\"");
  }

  /** What it wrote, without the last end of line. */
  public String line() {
    return stdout.strip();
  }

  public JsonElement json() {
    return Json.parse(stdout);
  }

  @Override
  public String toString() {
    return command + "\n exit code: " + exitCode + "\n stdout: " + stdout + "\n stderr: " + stderr;
  }
}
