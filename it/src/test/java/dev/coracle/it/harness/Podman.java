package dev.coracle.it.harness;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Podman with a storage and settings of its own. */
public final class Podman implements AutoCloseable {
  public static final String IMAGE = "localhost/coracle-it";

  /** What works on a host whose root has no CAP_SYS_RESOURCE and where no systemd runs. */
  static final String SETTINGS =
      """
      [containers]
      default_ulimits = ["nofile=1024:4096", "nproc=1024:4096"]
      log_driver = "k8s-file"
      [engine]
      cgroup_manager = "cgroupfs"
      events_logger = "file"
      """;

  static final String POLICY = "{\"default\":[{\"type\":\"insecureAcceptAnything\"}]}";

  private final EngineCgroup cgroup = new EngineCgroup("libpod_parent");
  private final Path directory;

  public Podman() {
    this("");
  }

  /** One whose runtimes find the kernels of virtual machines. */
  public static Podman withMachines() {
    return new Podman(", \"CORACLE_CONFIG=" + MachineKernels.templates() + "\"");
  }

  private Podman(String variables) {
    try {
      directory = Files.createTempDirectory("citp");
      // conmon, which restores, is given an environment of its own.
      String path = "conmon_env_vars = [\"PATH=" + CriuProgram.path() + "\"" + variables + "]\n";
      Files.writeString(directory.resolve("containers.conf"), SETTINGS + path);
      Files.writeString(directory.resolve("policy.json"), POLICY);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Bundle bundle =
        new Bundle(directory.resolve("image"), "image", OciRuntime.underTest()).addProbe();
    Path tar = directory.resolve("image.tar");
    command("tar", "-cf", tar.toString(), "-C", bundle.rootfs().toString(), ".").execute().ok();
    client("/usr/sbin/runc", "import", "-c", "ENV PATH=/bin", tar.toString(), IMAGE).execute().ok();
  }

  public Path directory() {
    return directory;
  }

  /** The client's command line, for a pty. */
  public String shell(String runtime) {
    return "podman --root "
        + directory
        + "/root --runroot "
        + directory
        + "/run --tmpdir "
        + directory
        + "/tmp --storage-driver vfs --runtime "
        + runtime;
  }

  public Command client(String runtime, String... args) {
    List<String> argv = new ArrayList<>(List.of(shell(runtime).split(" ", -1)));
    argv.addAll(List.of(args));
    return command(argv.toArray(String[]::new));
  }

  /** A verb of the client with three words of flags, the image, and a command. */
  public Command run(
      String runtime, String verb, String flag, String option, String value, String... command) {
    List<String> args = new ArrayList<>(List.of(verb, flag, option, value, IMAGE));
    args.addAll(List.of(command));
    return client(runtime, args.toArray(String[]::new));
  }

  /** Any other program. */
  public Command command(String... argv) {
    return new Command(directory, List.of(argv))
        .env("CONTAINERS_CONF", directory + "/containers.conf")
        .env("PATH", CriuProgram.path())
        .timeout(Duration.ofSeconds(60));
  }

  @Override
  public void close() {
    client("/usr/sbin/runc", "rm", "--all", "--force").execute();
    Descendants.killAll(); // conmon
    new Command(directory, List.of("rm", "-rf", "--one-file-system", directory.toString()))
        .discardOutput()
        .execute();
    cgroup.remove();
  }
}
