package dev.coracle.it.harness;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A private dockerd: own data, socket, network and mount namespace; nothing of the host's is used.
 *
 * <p>It knows the runtime under test as "tested", beside its own runc.
 */
public final class Docker implements AutoCloseable {
  public static final String IMAGE = "coracle-it";
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final EngineCgroup cgroup = new EngineCgroup("docker");
  private final Path directory;
  private final Command.Running daemon;

  public Docker() {
    this(false, List.of());
  }

  /** One that knows the runtime under test as "vm" as well, which makes virtual machines. */
  public static Docker withMachines() {
    return new Docker(false, List.of("CORACLE_CONFIG=" + MachineKernels.templates()));
  }

  /** One with --userns-remap: root of its containers is the first of a user's subordinate ids. */
  public static Docker remapped() {
    return new Docker(true, List.of());
  }

  private Docker(boolean remapped, List<String> environment) {
    try {
      directory = Files.createTempDirectory("citd");
      // That other user must reach the image.
      Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx--x--x"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    // crun refuses the hybrid layout; the others do not mind the v1 one.
    String inNamespaces =
        (remapped ? new HostUser(directory, directory).mounts() + " || exit 1; " : "")
            + "ip link set lo up; umount /sys/fs/cgroup/unified 2>/dev/null;"
            + " mount -t tmpfs tmpfs /run; exec dockerd"
            + (remapped ? " --userns-remap " + HostUser.NAME : "")
            + " --data-root $0/data --exec-root $0/exec --pidfile $0/pid -H unix://$0/sock"
            + " --storage-driver overlay2 --bip 172.31.249.1/24 --add-runtime tested="
            + OciRuntime.underTest().binary()
            + (environment.isEmpty() ? "" : " --add-runtime vm=$0/coracle-vm");
    Command command =
        new Command(
            directory,
            List.of(
                "unshare",
                "-m",
                "-n",
                "--propagation",
                "private",
                "sh",
                "-c",
                inNamespaces,
                directory.toString()));
    for (String entry : environment) {
      command.env(entry.substring(0, entry.indexOf('=')), entry.substring(entry.indexOf('=') + 1));
    }
    try {
      Files.createSymbolicLink(directory.resolve("coracle-vm"), OciRuntime.underTest().binary());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    daemon = command.start();
    try {
      Poll.until("dockerd answers", PATIENCE, this::answers);
      importImage();
    } catch (Throwable e) {
      String log = daemon.stderr();
      close();
      throw new IllegalStateException(log.substring(Math.max(0, log.length() - 2000)), e);
    }
  }

  private boolean answers() {
    if (!daemon.isRunning()) {
      throw new IllegalStateException("dockerd ended");
    }
    return Files.exists(directory.resolve("sock")) && run("version").execute().exitCode() == 0;
  }

  private void importImage() {
    Bundle bundle =
        new Bundle(directory.resolve("image"), "image", OciRuntime.underTest()).addProbe();
    Path tar = directory.resolve("image.tar");
    new Command(directory, List.of("tar", "-cf", tar.toString(), "-C", bundle.rootfs() + "", "."))
        .execute()
        .ok();
    run("import", "-c", "ENV PATH=/bin", tar.toString(), IMAGE).execute().ok();
  }

  public Path directory() {
    return directory;
  }

  /** A client's command line, for a pty. */
  public String client() {
    return "docker -H unix://" + directory + "/sock";
  }

  /** The client with arguments. */
  public Command run(String... args) {
    List<String> argv = new ArrayList<>(List.of("docker", "-H", "unix://" + directory + "/sock"));
    argv.addAll(List.of(args));
    return new Command(directory, argv)
        .env("DOCKER_API_VERSION", "1.41") // of Debian's dockerd 20.10; the client may be newer
        .timeout(PATIENCE);
  }

  /** Any other program, in the network namespace of the daemon, which its bridges are in. */
  public Command inItsNetwork(List<String> argv) {
    List<String> all = new ArrayList<>(List.of("nsenter", "-t", daemon.pid() + "", "-n"));
    all.addAll(argv);
    return new Command(directory, all);
  }

  /** Any other program. */
  public Command command(String... argv) {
    return new Command(directory, List.of(argv))
        .env("DOCKER_API_VERSION", "1.41")
        .timeout(PATIENCE);
  }

  @Override
  public void close() {
    Libc.kill(daemon.pid(), Libc.SIGTERM);
    daemon.end();
    Descendants.killAll(); // containerd's shims, if any are left
    new Command(directory, List.of("rm", "-rf", "--one-file-system", directory.toString()))
        .discardOutput()
        .execute()
        .ok();
    cgroup.remove();
  }
}
