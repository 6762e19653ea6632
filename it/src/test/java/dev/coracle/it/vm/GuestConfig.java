package dev.coracle.it.vm;

import java.util.Arrays;
import java.util.stream.Collectors;

/** A config.json much as dockerd writes it. */
final class GuestConfig {
  private GuestConfig() {}

  static String of(String... args) {
    return of(false, "", args);
  }

  /**
   * One.
   *
   * @param mounts more of them, each with a comma in front
   */
  static String of(boolean terminal, String mounts, String... args) {
    String words = Arrays.stream(args).map(a -> quote(a)).collect(Collectors.joining(","));
    String capabilities = "[\"CAP_CHOWN\",\"CAP_KILL\",\"CAP_SETUID\",\"CAP_SETGID\"]";
    return """
    {"ociVersion":"1.2.0","hostname":"box",
     "process":{"terminal":%s,"user":{"uid":0,"gid":0},"cwd":"/","args":[%s],
      "env":["PATH=/usr/local/bin:/usr/bin:/bin"],
      "capabilities":{"bounding":%s,"effective":%s,"permitted":%s},
      "rlimits":[{"type":"RLIMIT_NOFILE","hard":1024,"soft":512}]},
     "root":{"path":"rootfs"},
     "mounts":[
      {"destination":"/proc","type":"proc","source":"proc","options":["nosuid","noexec","nodev"]},
      {"destination":"/dev","type":"tmpfs","source":"tmpfs","options":["nosuid","mode=755","size=65536k"]},
      {"destination":"/dev/pts","type":"devpts","source":"devpts",
       "options":["nosuid","noexec","newinstance","ptmxmode=0666","mode=0620"]},
      {"destination":"/sys","type":"sysfs","source":"sysfs","options":["nosuid","noexec","nodev","ro"]},
      {"destination":"/sys/fs/cgroup","type":"cgroup","source":"cgroup","options":["ro","nosuid","noexec","nodev"]},
      {"destination":"/dev/mqueue","type":"mqueue","source":"mqueue","options":["nosuid","noexec","nodev"]},
      {"destination":"/dev/shm","type":"tmpfs","source":"shm","options":["nosuid","noexec","nodev","mode=1777"]}%s],
     "linux":{"namespaces":[{"type":"pid"},{"type":"mount"},{"type":"ipc"},{"type":"uts"},{"type":"network"}],
      "sysctl":{"net.ipv4.ip_unprivileged_port_start":"0","vm.overcommit_ratio":"51"},
      "resources":{"memory":{"limit":67108864},"devices":[{"allow":false,"access":"rwm"}]},
      "maskedPaths":["/proc/kcore","/proc/acpi"],"readonlyPaths":["/proc/sys"]}}
    """
        .formatted(terminal, words, capabilities, capabilities, capabilities, mounts);
  }

  private static String quote(String text) {
    return "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
  }
}
