package dev.coracle.it.harness;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Podman of {@link HostUser}, with its storage and settings in the user's home. */
public final class RootlessPodman implements AutoCloseable {
  private final Path directory;
  private final Path home;
  private final HostUser user;
  private final List<String> inCgroup;

  public RootlessPodman() {
    this(List.of());
  }

  /**
   * Podman in a cgroup.
   *
   * @param inCgroup words before a command that let it run there
   */
  public RootlessPodman(List<String> inCgroup) {
    this.inCgroup = inCgroup;
    try {
      directory = Files.createTempDirectory("citr");
      Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx--x--x"));
      home = Files.createDirectories(directory.resolve("home"));
      Files.createDirectories(home.resolve("run"));
      Files.createDirectories(home.resolve(".config/containers"));
      Files.writeString(home.resolve("containers.conf"), Podman.SETTINGS);
      Files.writeString(home.resolve(".config/containers/policy.json"), Podman.POLICY);
      // Where the user can execute it.
      Path binary = OciRuntime.underTest().binary();
      Files.copy(binary, home.resolve(binary.getFileName()), StandardCopyOption.COPY_ATTRIBUTES);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    user = new HostUser(directory, home);
    Bundle bundle =
        new Bundle(directory.resolve("image"), "image", OciRuntime.underTest()).addProbe();
    Path tar = home.resolve("image.tar");
    command("tar", "-cf", tar.toString(), "-C", bundle.rootfs() + "", ".").execute().ok();
    command("chown", "-R", HostUser.ID + ":" + HostUser.ID, home.toString()).execute().ok();
    client(runtimes().getFirst(), "import", "-c", "ENV PATH=/bin", tar.toString(), Podman.IMAGE)
        .execute()
        .ok();
  }

  /** Debian's runc as the control, and the runtime under test. */
  public static List<String> runtimes() {
    return List.of("/usr/sbin/runc", OciRuntime.underTest().name());
  }

  public Path home() {
    return home;
  }

  private String shell(String runtime) {
    return "podman --root "
        + home
        + "/root --runroot "
        + home
        + "/runroot --tmpdir "
        + home
        + "/tmp --storage-driver vfs --runtime "
        + home.resolve(runtime);
  }

  /** A command of the client, as the user. */
  public Command client(String runtime, String... args) {
    List<String> argv = new ArrayList<>(List.of(shell(runtime).split(" ", -1)));
    argv.addAll(List.of(args));
    return ofTheUser(argv);
  }

  /** A command of the client on a terminal. */
  public Command onTerminal(String runtime, String args) {
    return ofTheUser(List.of("script", "-qefc", shell(runtime) + " " + args, "/dev/null"));
  }

  private Command ofTheUser(List<String> command) {
    List<String> argv = user.known();
    argv.addAll(inCgroup);
    argv.addAll(HostUser.become());
    argv.addAll(command);
    return command(argv.toArray(String[]::new))
        .in(home)
        .env("HOME", home.toString())
        .env("XDG_RUNTIME_DIR", home + "/run")
        .env("CONTAINERS_CONF", home + "/containers.conf")
        .withoutEnv("DBUS_SESSION_BUS_ADDRESS");
  }

  private Command command(String... argv) {
    return new Command(directory, List.of(argv)).timeout(Duration.ofSeconds(60));
  }

  @Override
  public void close() {
    client(runtimes().getFirst(), "rm", "--all", "--force", "--time", "0").execute();
    Descendants.killAll(); // conmon, and the process that keeps the user's namespaces
    new Command(directory, List.of("rm", "-rf", "--one-file-system", directory.toString()))
        .discardOutput()
        .execute();
  }
}
