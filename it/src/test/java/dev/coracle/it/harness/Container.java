package dev.coracle.it.harness;

import com.google.gson.JsonObject;

/** A created container; it is deleted by force at the end of its block. */
public final class Container implements AutoCloseable {
  private final Testbed bed;
  private final String id;
  private final Command.Running creator;
  private final int pid;
  private int exitCode = -1;

  Container(Testbed bed, String id, Command.Running creator) {
    this.bed = bed;
    this.id = id;
    this.creator = creator;
    this.pid = state().get("pid").getAsInt();
  }

  public String id() {
    return id;
  }

  /** Its first process, in the tests' PID namespace. */
  public int pid() {
    return pid;
  }

  public Container start() {
    bed.oci("start", id).execute().ok();
    return this;
  }

  public JsonObject state() {
    return bed.oci("state", id).execute().ok().json().getAsJsonObject();
  }

  public String status() {
    return state().get("status").getAsString();
  }

  public Result kill(String signal) {
    return bed.oci("kill", id, signal).execute();
  }

  public Result delete(String... flags) {
    return bed.verb("delete", flags, id).execute();
  }

  /** Runs a command in it: exec with flags for the runtime before the id. */
  public Result exec(String... args) {
    return bed.verb("exec", new String[] {id}, args).execute();
  }

  public String stdout() {
    return creator.stdout();
  }

  public String stderr() {
    return creator.stderr();
  }

  /** Waits until it has written a text. */
  public Container awaitOutput(String text) {
    Poll.until("output \"" + text + "\"; stderr: " + stderr(), () -> stdout().contains(text));
    return this;
  }

  public void awaitStatus(String status) {
    Poll.until("status " + status, () -> status().equals(status));
  }

  /** The exit code of its first process, which is a child of this JVM: a subreaper. */
  public int awaitExit() {
    if (exitCode < 0) {
      Poll.until(
          "exit of " + id,
          Poll.PATIENCE.multipliedBy(2),
          () -> (exitCode = Reaper.exitCode(pid)) != -1);
    }
    return exitCode;
  }

  /** Kills its first process, which nobody reaps until the next test. */
  public void killAndLeaveAZombie() {
    Reaper.leaveAlone(pid);
    Libc.kill(pid, Libc.SIGKILL);
    Poll.until("zombie", () -> Descendants.isZombie(pid));
  }

  /** Whether the runtime still knows it. */
  public boolean isKnown() {
    return bed.oci("state", id).execute().exitCode() == 0;
  }

  @Override
  public void close() {
    bed.oci("delete", "--force", id).execute().ok();
  }
}
