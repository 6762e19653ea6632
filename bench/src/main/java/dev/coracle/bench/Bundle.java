package dev.coracle.bench;

import com.google.gson.GsonBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The OCI bundle that all contenders are given: what {@code runc spec} writes, without a terminal
 * and ambient capabilities, plus a cgroup namespace. {@code floor.c} does the same in system calls,
 * so the two must change together.
 */
final class Bundle {
  private static final List<String> BUSYBOXES = List.of("/bin/busybox", "/usr/bin/busybox");

  private Bundle() {}

  /** Makes a root file system of busybox alone. */
  static void makeRootfs(Path rootfs) throws IOException {
    for (String directory : List.of("bin", "proc", "sys", "dev", "etc", "tmp", "root")) {
      Files.createDirectories(rootfs.resolve(directory));
    }
    Path busybox =
        BUSYBOXES.stream()
            .map(Path::of)
            .filter(Files::isExecutable)
            .findFirst()
            .orElseThrow(
                () -> new IOException("no " + BUSYBOXES + "; install the package busybox-static"));
    Path copy = Files.copy(busybox, rootfs.resolve("bin/busybox"));
    if (!copy.toFile().setExecutable(true, false)) {
      throw new IOException("cannot make executable: " + copy);
    }
    for (String applet : List.of("true", "sh", "sleep", "grep", "test")) {
      Files.createSymbolicLink(rootfs.resolve("bin/" + applet), Path.of("busybox"));
    }
    // What docker binds its files to: a runtime would make them, and the first one would pay for
    // it.
    for (String name : DockerBundle.ETC) {
      Files.writeString(rootfs.resolve("etc").resolve(name), "");
    }
  }

  /** Writes {@code config.json} into {@code directory}, which is made. */
  static void write(Path directory, Place place, String cgroup, Workload workload)
      throws IOException {
    Path rootfs = place.rootfs();
    Map<String, Object> config =
        switch (workload.shape()) {
          case PLAIN -> config(rootfs, cgroup, workload, place.features());
          case DOCKER ->
              DockerBundle.config(place.work(), rootfs, cgroup, workload, place.features());
        };
    Files.createDirectories(directory);
    writeJson(directory.resolve("config.json"), config);
  }

  /** Writes JSON as engines do: without white space. */
  static void writeJson(Path file, Object value) throws IOException {
    Files.writeString(file, new GsonBuilder().disableHtmlEscaping().create().toJson(value));
  }

  private static Map<String, Object> config(
      Path rootfs, String cgroup, Workload workload, Set<Feature> features) {
    return Map.of(
        "ociVersion", "1.0.2",
        "process", process(workload),
        "root", Map.of("path", rootfs.toString(), "readonly", true),
        "hostname", "bench",
        "mounts", mounts(),
        "linux", linux(cgroup, features));
  }

  private static Map<String, Object> process(Workload workload) {
    List<String> capabilities = List.of("CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE");
    return Map.of(
        "terminal", false,
        "user", Map.of("uid", 0, "gid", 0),
        "args", workload.args(),
        "env", List.of("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        "cwd", "/",
        "capabilities",
            Map.of("bounding", capabilities, "effective", capabilities, "permitted", capabilities),
        "rlimits", List.of(Map.of("type", "RLIMIT_NOFILE", "hard", 1024, "soft", 1024)),
        "noNewPrivileges", true);
  }

  private static List<Map<String, Object>> mounts() {
    return List.of(
        Map.of("destination", "/proc", "type", "proc", "source", "proc"),
        mount("/dev", "tmpfs", "tmpfs", "nosuid,strictatime,mode=755,size=65536k"),
        mount(
            "/dev/pts",
            "devpts",
            "devpts",
            "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5"),
        mount("/dev/shm", "tmpfs", "shm", "nosuid,noexec,nodev,mode=1777,size=65536k"),
        mount("/dev/mqueue", "mqueue", "mqueue", "nosuid,noexec,nodev"),
        mount("/sys", "sysfs", "sysfs", "nosuid,noexec,nodev,ro"),
        mount("/sys/fs/cgroup", "cgroup", "cgroup", "nosuid,noexec,nodev,relatime,ro"));
  }

  static Map<String, Object> mount(String destination, String type, String source, String options) {
    return Map.of(
        "destination", destination,
        "type", type,
        "source", source,
        "options", List.of(options.split(",", -1)));
  }

  private static Map<String, Object> linux(String cgroup, Set<Feature> features) {
    List<Map<String, Object>> namespaces = new ArrayList<>();
    for (String type : List.of("pid", "network", "ipc", "uts", "mount", "cgroup")) {
      namespaces.add(Map.of("type", type));
    }
    if (features.contains(Feature.TIME_NAMESPACE)) {
      namespaces.add(Map.of("type", "time"));
    }
    Map<String, Object> resources =
        features.contains(Feature.DEVICE_RULES)
            ? Map.of("devices", List.of(Map.of("allow", false, "access", "rwm")))
            : Map.of();
    return Map.of(
        // Absolute: a relative path lands below the caller's own cgroup.
        "cgroupsPath",
        "/" + cgroup,
        "resources",
        resources,
        "namespaces",
        namespaces,
        "maskedPaths",
        List.of(
            "/proc/acpi",
            "/proc/asound",
            "/proc/kcore",
            "/proc/keys",
            "/proc/latency_stats",
            "/proc/timer_list",
            "/proc/timer_stats",
            "/proc/sched_debug",
            "/sys/firmware",
            "/proc/scsi"),
        "readonlyPaths",
        List.of("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"));
  }
}
