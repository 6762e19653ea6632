package dev.coracle.bench;

/** What a bundle may ask for that not every contender can do everywhere. */
enum Feature {
  /** A new time namespace: unknown to crun before 1.9 and runc before 1.2. */
  TIME_NAMESPACE("time namespace"),
  /** Device rules: on cgroup v2 older runtimes raise RLIMIT_MEMLOCK for them and may not. */
  DEVICE_RULES("device rules");

  final String title;

  Feature(String title) {
    this.title = title;
  }
}
