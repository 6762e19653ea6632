package dev.coracle.sandbox;

import static dev.coracle.abi.Mount.MOUNT_ATTR_NODEV;
import static dev.coracle.abi.Mount.MOUNT_ATTR_NOEXEC;
import static dev.coracle.abi.Mount.MOUNT_ATTR_NOSUID;
import static dev.coracle.abi.Mount.MOUNT_ATTR_RDONLY;

import dev.coracle.problem.Origin;
import dev.coracle.spec.Linux.Namespace;
import dev.coracle.spec.Linux.NamespaceType;
import dev.coracle.spec.Mount;
import dev.coracle.spec.Mount.MountOptions;
import dev.coracle.spec.Process;
import dev.coracle.spec.Spec;
import java.util.ArrayList;
import java.util.List;

/**
 * The way by which a container tells the service manager that it is ready (sd_notify(3)): a rewrite
 * that shows it a directory, in which {@code start} makes a socket.
 */
public final class NotifySocket {
  /** Where the peers have it, too. */
  private static final String DIRECTORY = "/run/notify";

  public static final String NAME = "notify.sock";
  private static final Origin ORIGIN = new Origin.Flag("NOTIFY_SOCKET");

  private NotifySocket() {}

  /** Whether there is something to show a directory in: a container with mounts of its own. */
  public static boolean fits(Spec spec) {
    Namespace mount = spec.linux().namespace(NamespaceType.MOUNT);
    return mount != null && mount.path() == null && spec.root() != null && spec.process() != null;
  }

  /**
   * The same with the directory, and with its socket in the environment.
   *
   * @param directory of the host
   */
  public static Spec rewrite(Spec spec, String directory) {
    Process process = spec.process();
    if (process == null) {
      return spec;
    }
    List<String> env = new ArrayList<>();
    for (String entry : process.env()) {
      if (!entry.startsWith("NOTIFY_SOCKET=")) {
        env.add(entry);
      }
    }
    env.add("NOTIFY_SOCKET=" + DIRECTORY + "/" + NAME);
    long attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
    MountOptions options =
        new MountOptions(
            true, false, false, attributes, 0, 0, 0, 0, List.of(), 0, false, false, List.of());
    List<Mount> mounts = new ArrayList<>(spec.mounts());
    // Last: the bundle's own may be at /run.
    mounts.add(new Mount(DIRECTORY, null, directory, options, null, ORIGIN));
    return new Spec(
        spec.ociVersion(),
        process.withEnv(env),
        spec.root(),
        spec.hostname(),
        spec.domainname(),
        mounts,
        spec.hooks(),
        spec.annotations(),
        spec.linux(),
        spec.enclosure());
  }
}
