package dev.coracle.it.harness;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/** A private containerd: own data, socket and mount namespace; nothing of the host's is used. */
public final class Containerd implements AutoCloseable {
  public static final String IMAGE = "localhost/coracle-it:1";
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final EngineCgroup cgroup = new EngineCgroup("default");
  private final Path directory;
  private final Command.Running daemon;

  public Containerd() {
    this("");
  }

  /** One whose runtimes find the kernels of virtual machines. */
  public static Containerd withMachines() {
    return new Containerd(MachineKernels.templates().toString());
  }

  private Containerd(String configuration) {
    try {
      directory = Files.createTempDirectory("citc");
      Files.writeString(directory.resolve("config.toml"), settings());
      image();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    // crun refuses the hybrid layout; the others do not mind the v1 one.
    String inNamespace =
        "umount /sys/fs/cgroup/unified 2>/dev/null; mount -t tmpfs tmpfs /run;"
            + " exec containerd --config $0/config.toml";
    Command command =
        command(
            "unshare",
            "-m",
            "--propagation",
            "private",
            "sh",
            "-c",
            inNamespace,
            directory.toString());
    if (!configuration.isEmpty()) {
      command.env("CORACLE_CONFIG", configuration);
    }
    daemon = command.start();
    try {
      Poll.until("containerd answers", PATIENCE, this::answers);
      client("images", "import", directory.resolve("image.tar").toString()).execute().ok();
    } catch (Throwable e) {
      String log = daemon.stderr();
      close();
      throw new IllegalStateException(log.substring(Math.max(0, log.length() - 2000)), e);
    }
  }

  private String settings() {
    return "version = 2\n"
        + "root = \""
        + directory
        + "/root\"\n"
        + "state = \""
        + directory
        + "/state\"\n"
        + "disabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n"
        + "[grpc]\n  address = \""
        + directory
        + "/sock\"\n";
  }

  private boolean answers() {
    if (!daemon.isRunning()) {
      throw new IllegalStateException("containerd ended");
    }
    return Files.exists(directory.resolve("sock")) && client("version").execute().exitCode() == 0;
  }

  /** Makes an archive as `docker save` does: a layer, its config, and a manifest. */
  private void image() throws IOException {
    Bundle bundle =
        new Bundle(directory.resolve("image"), "image", OciRuntime.underTest()).addProbe();
    Path layer = directory.resolve("layer.tar");
    command("tar", "-cf", layer.toString(), "-C", bundle.rootfs() + "", ".").execute().ok();
    String digest = HexFormat.of().formatHex(sha256().digest(Files.readAllBytes(layer)));
    Files.writeString(
        directory.resolve("config.json"),
        Json.text(
            Json.object(
                "architecture",
                "amd64",
                "os",
                "linux",
                "config",
                Json.object("Env", List.of("PATH=/bin")),
                "rootfs",
                Json.object("type", "layers", "diff_ids", List.of("sha256:" + digest)))));
    Files.writeString(
        directory.resolve("manifest.json"),
        "["
            + Json.text(
                Json.object(
                    "Config",
                    "config.json",
                    "RepoTags",
                    List.of(IMAGE),
                    "Layers",
                    List.of("layer.tar")))
            + "]");
    command("tar", "-cf", "image.tar", "manifest.json", "config.json", "layer.tar")
        .in(directory)
        .execute()
        .ok();
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  public Path directory() {
    return directory;
  }

  /** ctr with arguments. It and its shims meet in /run, so it runs where the daemon is. */
  public Command client(String... args) {
    List<String> argv =
        new ArrayList<>(
            List.of("nsenter", "-t", daemon.pid() + "", "-m", "ctr", "-a", directory + "/sock"));
    argv.addAll(List.of(args));
    return command(argv.toArray(String[]::new));
  }

  /** Any other program. */
  public Command program(String... argv) {
    return command(argv);
  }

  private Command command(String... argv) {
    return new Command(directory, List.of(argv)).env("PATH", CriuProgram.path()).timeout(PATIENCE);
  }

  @Override
  public void close() {
    Libc.kill(daemon.pid(), Libc.SIGTERM);
    daemon.end();
    Descendants.killAll(); // shims, if any are left
    new Command(directory, List.of("rm", "-rf", "--one-file-system", directory.toString()))
        .discardOutput()
        .execute()
        .ok();
    cgroup.remove();
  }
}
