package dev.coracle.bench;

import java.util.List;

/** What runs in the container, and the exit status that proves it. */
record Workload(String name, List<String> args, int status) {
  /** The headline: the cheapest program of the root file system. */
  static final Workload TRUE = new Workload("true", List.of("/bin/true"), 0);

  /** For {@code state} of something that runs; it is killed. */
  static final Workload SLEEP = new Workload("sleep", List.of("/bin/sleep", "1000"), 137);

  static final String MARKER = "the workload has run";

  /** For verification: an unusual status, and a line that only a workload that ran can write. */
  static final Workload MARK =
      new Workload("mark", List.of("/bin/sh", "-c", "echo " + MARKER + " >&2; exit 42"), 42);
}
