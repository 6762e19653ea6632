package dev.coracle.lifecycle;

import static dev.coracle.abi.Fcntl.AT_FDCWD;

import dev.coracle.execute.Files;
import dev.coracle.json.JsonWriter;
import dev.coracle.kernel.Kernel;
import dev.coracle.property.OciVersion;

/** {@code spec}: a config.json to start from. */
public final class SpecTemplate {
  private SpecTemplate() {}

  /** Writes it into a bundle that has none yet. */
  public static void write(Kernel k, String bundle, boolean rootless) throws Failure {
    String path = bundle + "/config.json";
    if (k.faccessat2(AT_FDCWD, path, 0, 0) >= 0) {
      throw new Failure("\"" + path + "\" is there already; remove it first");
    }
    String text = text(rootless, k.geteuid(), k.getegid());
    long result = Files.create(k, path, text, 0666);
    if (result < 0) {
      throw new Failure("cannot write \"" + path + "\": " + k.explain(result));
    }
  }

  static String text(boolean rootless, long uid, long gid) {
    JsonWriter out = JsonWriter.indented();
    out.object().field("ociVersion", OciVersion.NEWEST);
    process(out);
    out.key("root").object().field("path", "rootfs").field("readonly", true).endObject();
    out.field("hostname", "coracle");
    mounts(out, rootless);
    out.key("linux").object();
    if (rootless) {
      mapping(out, "uidMappings", uid);
      mapping(out, "gidMappings", gid);
    } else {
      out.key("resources").object().key("devices").array();
      out.object().field("allow", false).field("access", "rwm").endObject();
      out.endArray().endObject();
    }
    out.key("namespaces").array();
    String types =
        rootless ? "pid ipc uts mount user cgroup " : "pid network ipc uts mount cgroup ";
    int from = 0;
    while (from < types.length()) {
      int to = types.indexOf(' ', from);
      out.object().field("type", types.substring(from, to)).endObject();
      from = to + 1;
    }
    out.endArray();
    paths(
        out,
        "maskedPaths",
        "/proc/acpi /proc/asound /proc/kcore /proc/keys /proc/latency_stats /proc/timer_list"
            + " /proc/timer_stats /proc/sched_debug /sys/firmware /sys/devices/virtual/powercap"
            + " /proc/scsi ");
    paths(out, "readonlyPaths", "/proc/bus /proc/fs /proc/irq /proc/sys /proc/sysrq-trigger ");
    return out.endObject().endObject() + "\n";
  }

  private static void process(JsonWriter out) {
    out.key("process").object().field("terminal", true);
    out.key("user").object().field("uid", 0).field("gid", 0).endObject();
    paths(out, "args", "sh ");
    out.key("env").array();
    out.value("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    out.value("TERM=xterm").endArray();
    out.field("cwd", "/");
    out.key("capabilities").object();
    String caps = "CAP_AUDIT_WRITE CAP_KILL CAP_NET_BIND_SERVICE ";
    paths(out, "bounding", caps);
    paths(out, "effective", caps);
    paths(out, "permitted", caps);
    out.endObject();
    out.key("rlimits").array().object().field("type", "RLIMIT_NOFILE");
    out.field("hard", 1024).field("soft", 1024).endObject().endArray();
    out.field("noNewPrivileges", true).endObject();
  }

  private static void mounts(JsonWriter out, boolean rootless) {
    out.key("mounts").array();
    mount(out, "/proc", "proc", "proc", "");
    mount(out, "/dev", "tmpfs", "tmpfs", "nosuid strictatime mode=755 size=65536k ");
    mount(
        out,
        "/dev/pts",
        "devpts",
        "devpts",
        "nosuid noexec newinstance ptmxmode=0666 mode=0620 " + (rootless ? "" : "gid=5 "));
    mount(out, "/dev/shm", "tmpfs", "shm", "nosuid noexec nodev mode=1777 size=65536k ");
    mount(out, "/dev/mqueue", "mqueue", "mqueue", "nosuid noexec nodev ");
    if (rootless) {
      mount(out, "/sys", "none", "/sys", "rbind nosuid noexec nodev ro ");
    } else {
      mount(out, "/sys", "sysfs", "sysfs", "nosuid noexec nodev ro ");
    }
    mount(out, "/sys/fs/cgroup", "cgroup", "cgroup", "nosuid noexec nodev relatime ro ");
    out.endArray();
  }

  private static void mount(
      JsonWriter out, String destination, String type, String source, String options) {
    out.object().field("destination", destination).field("type", type).field("source", source);
    if (!options.isEmpty()) {
      paths(out, "options", options);
    }
    out.endObject();
  }

  private static void mapping(JsonWriter out, String key, long id) {
    out.key(key).array().object();
    out.field("containerID", 0).field("hostID", id).field("size", 1).endObject().endArray();
  }

  private static void paths(JsonWriter out, String key, String words) {
    out.key(key).array();
    int from = 0;
    while (from < words.length()) {
      int to = words.indexOf(' ', from);
      out.value(words.substring(from, to));
      from = to + 1;
    }
    out.endArray();
  }
}
