package dev.coracle.lifecycle;

import static dev.coracle.abi.Mount.CGROUP2_SUPER_MAGIC;

import dev.coracle.abi.Stat;
import dev.coracle.execute.Kept;
import dev.coracle.kernel.DescribingKernel;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.RecordingKernel;
import dev.coracle.spec.Linux.NamespaceType;
import dev.coracle.state.FilterCache;
import dev.coracle.state.StateStore;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A host that is a {@link RecordingKernel}: with cgroups, a bundle at /bundle, and a state root.
 */
final class FakeHost {
  static final String ROOT = "/run/coracle";
  static final String STAT =
      "4242 (init) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 987654 20 21\n";

  /** How the cgroups of a host are mounted. */
  enum Layout {
    V1,
    HYBRID,
    V2
  }

  final RecordingKernel kernel = new RecordingKernel();
  final List<String> printed = new ArrayList<>();
  final List<String> warned = new ArrayList<>();
  final List<String> debugged = new ArrayList<>();
  boolean debugs;

  FakeHost(Layout layout, String config) {
    kernel.cwd("/bundle").file("config.json", config);
    kernel.answers("clock_gettime", 1_750_000_000_000_000_000L);
    kernel.answers("fstatfsType", 0x9fa0);
    kernel.file("/proc/4242/stat", STAT).link("/proc/self", "4242");
    kernel.stat("/dev/null", Stat.S_IFCHR | 0666, 1, 3);
    kernel.file(ROOT + "/id/exec.fifo", "!");
    kernel.answers("poll", 1);
    kernel.ioctl("/proc/77/ns/pid", NamespaceType.PID.cloneFlag());
    kernel.ioctl("/var/run/netns/pod", NamespaceType.NETWORK.cloneFlag());
    kernel.ioctl("/proc/77/ns/user", NamespaceType.USER.cloneFlag());
    kernel.stat("/dev/zero", Stat.S_IFCHR | 0666, 1, 5).stat("/dev/full", Stat.S_IFCHR, 1, 7);
    kernel.stat("/dev/random", Stat.S_IFCHR, 1, 8).stat("/dev/urandom", Stat.S_IFCHR, 1, 9);
    kernel.stat("/dev/tty", Stat.S_IFCHR | 0666, 5, 0);
    kernel.stat("/dev/fuse", Stat.S_IFCHR | 0666, 10, 229);
    kernel.file("/proc/self/uid_map", "         0     100000      65536\n");
    kernel.file("/proc/self/gid_map", "         0     100000      65536\n");
    kernel.ioctl("/proc/77/ns/ipc", NamespaceType.IPC.cloneFlag());
    kernel.ioctl("/proc/77/ns/uts", NamespaceType.UTS.cloneFlag());
    if (layout == Layout.V2) {
      kernel.answers("statfsType", CGROUP2_SUPER_MAGIC);
      kernel.file("/proc/self/cgroup", "0::/s/own\n");
      kernel.file("/proc/self/mountinfo", "2 1 0:2 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
      kernel.file("/sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory pids\n");
      return;
    }
    StringBuilder mounts = new StringBuilder();
    StringBuilder self = new StringBuilder();
    for (String h : List.of("cpu,cpuacct", "cpuset", "memory", "devices", "pids", "name=systemd")) {
      String directory = "/sys/fs/cgroup/" + (h.startsWith("name=") ? h.substring(5) : h);
      mounts.append("1 2 0:1 / ").append(directory).append(" rw - cgroup x rw,").append(h);
      mounts.append('\n');
      self.append("1:").append(h).append(":/own\n");
    }
    if (layout == Layout.HYBRID) {
      mounts.append("2 1 0:2 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
      self.append("0::/own\n");
    }
    kernel.file("/proc/self/mountinfo", mounts.toString());
    kernel.file("/proc/self/cgroup", self.toString());
  }

  /** A bundle of the test resources. */
  static String bundle(String name) {
    if (name.equals("runc")) {
      return SpecTemplate.text(false, 0, 0);
    }
    try {
      return Files.readString(Path.of("src/test/resources/bundles/" + name + ".json"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  Environment environment(String... variables) {
    DescribingKernel k = new DescribingKernel(kernel);
    Environment.Output output =
        new Environment.Output() {
          @Override
          public void print(String text) {
            printed.add(text);
          }

          @Override
          public void warn(String text) {
            warned.add(text);
          }

          @Override
          public boolean debugs() {
            return debugs;
          }

          @Override
          public void debug(String text) {
            debugged.add(text);
          }
        };
    return new Environment(
        k,
        new StateStore(k, ROOT),
        new FilterCache(k, ROOT, "c0ffee"),
        ROOT,
        List.of(variables),
        output);
  }

  static Create.Request request(@Nullable String sandbox) {
    return new Create.Request(
        "id",
        "/bundle",
        "/pid",
        null,
        -1,
        null,
        Kept.NOTHING,
        false,
        true,
        false,
        sandbox,
        CalledAs.CORACLE);
  }

  /** A path that is not there. */
  FakeHost without(String path) {
    kernel.broken(path, Errno.ENOENT);
    return this;
  }
}
