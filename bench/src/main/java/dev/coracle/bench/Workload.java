package dev.coracle.bench;

import java.util.List;

/** What runs in the container, and the exit status that proves it. */
record Workload(String name, List<String> args, int status, Shape shape) {
  /** The bundles that there are. */
  enum Shape {
    /** What {@code runc spec} writes, as {@code floor.c} does it too. */
    PLAIN,
    /** What {@code docker run} makes. */
    DOCKER
  }

  /** The headline: the cheapest program of the root file system. */
  static final Workload TRUE = new Workload("true", List.of("/bin/true"), 0, Shape.PLAIN);

  /** For {@code state} of something that runs; it is killed. */
  static final Workload SLEEP =
      new Workload("sleep", List.of("/bin/sleep", "1000"), 137, Shape.PLAIN);

  static final String MARKER = "the workload has run";

  /** For verification: an unusual status, and a line that only a workload that ran can write. */
  static final Workload MARK =
      new Workload(
          "mark", List.of("/bin/sh", "-c", "echo " + MARKER + " >&2; exit 42"), 42, Shape.PLAIN);

  /** {@link #TRUE} as docker runs it. */
  static final Workload DOCKER_TRUE =
      new Workload("docker-true", TRUE.args(), TRUE.status(), Shape.DOCKER);

  /** {@link #SLEEP} as docker runs it: {@code exec} needs something that runs. */
  static final Workload DOCKER_SLEEP =
      new Workload("docker-sleep", SLEEP.args(), SLEEP.status(), Shape.DOCKER);

  /**
   * {@link #MARK} as docker runs it: the line comes only with Docker's capabilities, its filter, a
   * file of the host, and a masked path.
   */
  static final Workload DOCKER_MARK =
      new Workload(
          "docker-mark",
          List.of(
              "/bin/sh",
              "-c",
              "grep -q '^Seccomp:.*2$' /proc/self/status"
                  + " && grep -q '^CapEff:.*00000000a80425fb$' /proc/self/status"
                  + " && grep -q localhost /etc/hosts"
                  + " && test ! -s /proc/timer_list"
                  + " && echo "
                  + MARKER
                  + " >&2; exit 42"),
          42,
          Shape.DOCKER);

  /** Tells what system calls cost under Docker's filter. */
  static final Workload DOCKER_CALLS =
      new Workload("docker-calls", List.of("/bin/calls"), 0, Shape.DOCKER);

  /** The same without a filter. */
  static final Workload CALLS = new Workload("calls", List.of("/bin/calls"), 0, Shape.PLAIN);
}
