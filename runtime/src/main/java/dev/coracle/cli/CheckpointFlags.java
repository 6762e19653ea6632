package dev.coracle.cli;

import dev.coracle.criu.CriuRequest;
import dev.coracle.criu.CriuRequest.Flag;
import dev.coracle.lifecycle.CriuFlags;
import dev.coracle.lifecycle.Exec;
import dev.coracle.lifecycle.Failure;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The flags of {@code checkpoint} and {@code restore}. */
final class CheckpointFlags {
  private static final long CLONE_NEWNET = 0x40000000L;

  private CheckpointFlags() {}

  /** The directories, absolute. */
  record Paths(String images, @Nullable String work) {}

  static CriuFlags of(Arguments a, Paths paths) throws Failure {
    List<Flag> on = new ArrayList<>();
    add(a, "tcp-established", Flag.TCP_ESTABLISHED, on);
    add(a, "tcp-skip-in-flight", Flag.TCP_SKIP_IN_FLIGHT, on);
    add(a, "link-remap", Flag.LINK_REMAP, on);
    add(a, "ext-unix-sk", Flag.EXT_UNIX_SK, on);
    add(a, "shell-job", Flag.SHELL_JOB, on);
    add(a, "lazy-pages", Flag.LAZY_PAGES, on);
    add(a, "file-locks", Flag.FILE_LOCKS, on);
    add(a, "auto-dedup", Flag.AUTO_DEDUP, on);
    String mode = a.value("manage-cgroups-mode", "");
    if (CriuRequest.cgroupsMode(mode) < 0) {
      throw new Failure(
          "--manage-cgroups-mode must be soft, full, strict or ignore, not \"" + mode + "\"");
    }
    String parent = a.value("parent-path");
    if (parent != null && (parent.startsWith("/") || parent.isEmpty())) {
      throw new Failure("--parent-path must be relative to --image-path, not \"" + parent + "\"");
    }
    String status = a.value("status-fd");
    return new CriuFlags(
        paths.images(),
        paths.work(),
        parent,
        on,
        a.is("pre-dump"),
        a.is("leave-running"),
        status == null ? -1 : (int) Exec.id(status, "--status-fd must be a number", status),
        a.value("page-server"),
        CriuRequest.cgroupsMode(mode),
        emptyNamespaces(a),
        a.value("lsm-profile"),
        a.value("lsm-mount-context"));
  }

  private static void add(Arguments a, String name, Flag flag, List<Flag> on) {
    if (a.is(name)) {
      on.add(flag);
    }
  }

  private static long emptyNamespaces(Arguments a) throws Failure {
    long flags = 0;
    for (String name : a.all("empty-ns")) {
      if (!name.equals("network")) {
        throw new Failure("--empty-ns must be network, not \"" + name + "\"");
      }
      flags |= CLONE_NEWNET;
    }
    return flags;
  }
}
