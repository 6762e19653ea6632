package dev.coracle.bench;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * The bundle that {@code docker run} gives a runtime: Docker's default capabilities, its default
 * seccomp profile, masked and read-only paths, its mounts with the files of the host that it binds,
 * and limits. Only hooks are left out: they would measure dockerd.
 */
final class DockerBundle {
  /** Files that the engine writes and binds into the container. */
  static final List<String> ETC = List.of("resolv.conf", "hostname", "hosts");

  private static final List<String> CAPABILITIES =
      List.of(
          "CAP_CHOWN",
          "CAP_DAC_OVERRIDE",
          "CAP_FSETID",
          "CAP_FOWNER",
          "CAP_MKNOD",
          "CAP_NET_RAW",
          "CAP_SETGID",
          "CAP_SETUID",
          "CAP_SETFCAP",
          "CAP_SETPCAP",
          "CAP_NET_BIND_SERVICE",
          "CAP_SYS_CHROOT",
          "CAP_KILL",
          "CAP_AUDIT_WRITE");

  private DockerBundle() {}

  /** Docker's default seccomp profile, as it stands in a bundle. */
  static JsonObject seccomp() throws IOException {
    try (InputStream in =
            Objects.requireNonNull(
                DockerBundle.class.getResourceAsStream("/docker-default-seccomp.json"));
        Reader reader = new InputStreamReader(in, StandardCharsets.UTF_8)) {
      return new Gson().fromJson(reader, JsonObject.class);
    }
  }

  /** Writes the files that the container gets from the host. */
  static void makeHostFiles(Path work) throws IOException {
    Files.createDirectories(work.resolve("etc"));
    Files.createDirectories(work.resolve("shm"));
    for (String name : ETC) {
      Files.writeString(work.resolve("etc").resolve(name), "127.0.0.1 localhost\n");
    }
  }

  static Map<String, Object> config(
      Path work, Path rootfs, String cgroup, Workload workload, Set<Feature> features)
      throws IOException {
    return Map.of(
        "ociVersion", "1.0.2-dev",
        "process", process(workload),
        "root", Map.of("path", rootfs.toString()),
        "hostname", "b5d2a6f2f8c1",
        "mounts", mounts(work),
        "linux", linux(cgroup, features));
  }

  /** The process of the container, and of {@code exec}. */
  static Map<String, Object> process(Workload workload) {
    return Map.of(
        "user", Map.of("uid", 0, "gid", 0, "additionalGids", List.of(0, 10)),
        "args", workload.args(),
        "env",
            List.of(
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "HOSTNAME=b5d2a6f2f8c1"),
        "cwd", "/",
        "capabilities",
            Map.of("bounding", CAPABILITIES, "effective", CAPABILITIES, "permitted", CAPABILITIES),
        "oomScoreAdj", 0,
        "rlimits", List.of(Map.of("type", "RLIMIT_NOFILE", "hard", 1024, "soft", 1024)));
  }

  private static List<Map<String, Object>> mounts(Path work) {
    List<Map<String, Object>> all = new ArrayList<>();
    all.add(Bundle.mount("/proc", "proc", "proc", "nosuid,noexec,nodev"));
    all.add(Bundle.mount("/dev", "tmpfs", "tmpfs", "nosuid,strictatime,mode=755,size=65536k"));
    String pts = "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5";
    all.add(Bundle.mount("/dev/pts", "devpts", "devpts", pts));
    all.add(Bundle.mount("/sys", "sysfs", "sysfs", "nosuid,noexec,nodev,ro"));
    all.add(Bundle.mount("/sys/fs/cgroup", "cgroup", "cgroup", "ro,nosuid,noexec,nodev"));
    all.add(Bundle.mount("/dev/mqueue", "mqueue", "mqueue", "nosuid,noexec,nodev"));
    for (String name : ETC) {
      String file = work.resolve("etc").resolve(name).toString();
      all.add(Bundle.mount("/etc/" + name, "bind", file, "rbind,rprivate"));
    }
    all.add(Bundle.mount("/dev/shm", "bind", work.resolve("shm").toString(), "rbind,rprivate"));
    return all;
  }

  private static Map<String, Object> linux(String cgroup, Set<Feature> features)
      throws IOException {
    List<Map<String, Object>> namespaces = new ArrayList<>();
    for (String type : List.of("mount", "network", "uts", "pid", "ipc", "cgroup")) {
      namespaces.add(Map.of("type", type));
    }
    return Map.of(
        "cgroupsPath",
        "/" + cgroup,
        "resources",
        resources(features),
        "namespaces",
        namespaces,
        "seccomp",
        seccomp(),
        "maskedPaths",
        List.of(
            "/proc/asound",
            "/proc/acpi",
            "/proc/kcore",
            "/proc/keys",
            "/proc/latency_stats",
            "/proc/timer_list",
            "/proc/timer_stats",
            "/proc/sched_debug",
            "/proc/scsi",
            "/sys/firmware"),
        "readonlyPaths",
        List.of("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"));
  }

  private static Map<String, Object> resources(Set<Feature> features) {
    Map<String, Object> out = new java.util.TreeMap<>();
    if (features.contains(Feature.DEVICE_RULES)) {
      out.put("devices", deviceRules());
    }
    if (features.contains(Feature.LIMITS)) {
      out.put("cpu", Map.of("shares", 512));
      out.put("pids", Map.of("limit", 100));
    }
    return out;
  }

  private static List<Map<String, Object>> deviceRules() {
    List<Map<String, Object>> rules = new ArrayList<>();
    rules.add(Map.of("allow", false, "access", "rwm"));
    for (int[] device : new int[][] {{1, 5}, {1, 3}, {1, 9}, {1, 8}, {5, 0}, {5, 1}}) {
      rules.add(
          Map.of(
              "allow", true, "type", "c", "major", device[0], "minor", device[1], "access", "rwm"));
    }
    rules.add(Map.of("allow", false, "type", "c", "major", 10, "minor", 229, "access", "rwm"));
    return rules;
  }
}
