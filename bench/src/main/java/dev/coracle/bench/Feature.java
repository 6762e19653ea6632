package dev.coracle.bench;

/** What a bundle may ask for that not every contender can do everywhere. */
enum Feature {
  /** A new time namespace: unknown to crun before 1.9 and runc before 1.2. */
  TIME_NAMESPACE("time namespace"),
  /** Device rules: on cgroup v2 older runtimes raise RLIMIT_MEMLOCK for them and may not. */
  DEVICE_RULES("device rules"),
  /** Docker's limits: cgroup v2 has the controllers for them only where v1 does not hold them. */
  LIMITS("limits");

  final String title;

  /** What shows whether a contender can do it. */
  Workload workload() {
    return this == LIMITS ? Workload.DOCKER_MARK : Workload.MARK;
  }

  Feature(String title) {
    this.title = title;
  }
}
