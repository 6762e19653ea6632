package dev.coracle.bench;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * A guest that starts as RunCVM's do (its runcvm-ctr-qemu), emulated: QEMU's q35 with SeaBIOS, the
 * distribution's kernel and initrd, 512 MiB that are shared with virtiofsd, and a first process in
 * bash. Without what wraps it (runc, scripts, bridges), a network and QEMU's guest agent.
 */
final class RunCvmLike {
  private static final String VIRTIOFSD = "/usr/lib/qemu/virtiofsd";
  private static final int LISTEN_SECONDS = 10;
  private static final int BOOT_SECONDS = 180;

  private static final String KERNEL_PARAMETERS =
      "rootfstype=virtiofs root=runcvmfs noresume nomodeset net.ifnames=1 init=/first rw"
          + " ipv6.disable=1 panic=-1 scsi_mod.scan=none tsc=reliable no_timer_check"
          + " rcupdate.rcu_expedited=1 i8042.direct=1 i8042.dumbkbd=1 i8042.nopnp=1 i8042.noaux=1"
          + " noreplace-smp reboot=k cryptomgr.notests pci=lastbus=0 selinux=0 quiet";

  /** The directory that bench/runcvm-like.sh made. */
  private final Path prepared;

  private final Path work;

  RunCvmLike(Path prepared, Path work) {
    this.prepared = prepared;
    this.work = work;
  }

  /** Starts one, and ends it when its first process has said "up". */
  MachineCost.Sample sample() throws IOException {
    Path socket = work.resolve("runcvm-files");
    Path errors = work.resolve("runcvm-errors");
    Files.deleteIfExists(socket);
    long begin = System.nanoTime();
    try (Started files = new Started(virtiofsd(socket), errors)) {
      listens(files.process, socket, errors);
      try (Started qemu = new Started(qemu(socket), errors)) {
        isUp(qemu.process, errors);
        double millis = (System.nanoTime() - begin) / 1e6;
        Process[] both = {qemu.process, files.process};
        return new MachineCost.Sample(millis, Processes.cpuMillis(both), Processes.pssMib(both));
      }
    } finally {
      Files.deleteIfExists(socket);
    }
  }

  private List<String> virtiofsd(Path socket) {
    String source = "source=" + prepared.resolve("root");
    return List.of(
        VIRTIOFSD,
        "-f",
        "--socket-path=" + socket,
        "-o",
        source,
        "-o",
        "sandbox=chroot,cache=auto");
  }

  List<String> qemu(Path socket) {
    return List.of(
        MachineCost.QEMU.toString(),
        "-no-user-config",
        "-nodefaults",
        "-no-reboot",
        "-display",
        "none",
        "-accel",
        "tcg",
        "-cpu",
        "max",
        "-machine",
        "q35,sata=off,vmport=off,smm=on,dump-guest-core=off,hpet=off,usb=off,memory-backend=mem",
        "-m",
        "512M",
        "-object",
        "memory-backend-memfd,id=mem,size=512M,share=on",
        "-smp",
        "1",
        "-rtc",
        "base=utc,driftfix=slew",
        "-device",
        "isa-debug-exit",
        "-device",
        "virtio-rng-pci",
        "-chardev",
        "socket,id=files,path=" + socket,
        "-device",
        "vhost-user-fs-pci,queue-size=1024,chardev=files,tag=runcvmfs",
        "-device",
        "virtio-serial-pci",
        "-chardev",
        "stdio,id=console,signal=off",
        "-device",
        "virtconsole,chardev=console",
        "-kernel",
        prepared.resolve("vmlinuz").toString(),
        "-initrd",
        prepared.resolve("initrd").toString(),
        "-append",
        KERNEL_PARAMETERS);
  }

  private static void listens(Process files, Path socket, Path errors) throws IOException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LISTEN_SECONDS);
    while (!Files.exists(socket)) {
      if (!files.isAlive() || System.nanoTime() > deadline) {
        throw new IOException("virtiofsd does not listen: " + Files.readString(errors));
      }
      LockSupport.parkNanos(1_000_000);
    }
  }

  static void isUp(Process qemu, Path errors) throws IOException {
    // The end of QEMU is the end of what is read.
    CompletableFuture.delayedExecutor(BOOT_SECONDS, TimeUnit.SECONDS)
        .execute(qemu::destroyForcibly);
    BufferedReader console =
        new BufferedReader(new InputStreamReader(qemu.getInputStream(), StandardCharsets.UTF_8));
    String line = console.readLine();
    while (line != null && !line.strip().equals("up")) {
      line = console.readLine();
    }
    if (line == null) {
      throw new IOException(
          "the guest that starts as RunCVM's is not up within "
              + BOOT_SECONDS
              + " s: "
              + Files.readString(errors));
    }
  }

  /** A process that ends with its block, and with the bench. */
  private static final class Started implements AutoCloseable {
    private final Process process;
    private final Thread atTheEnd;

    Started(List<String> argv, Path errors) throws IOException {
      process =
          new ProcessBuilder(argv)
              .redirectInput(new File("/dev/null"))
              .redirectError(ProcessBuilder.Redirect.appendTo(errors.toFile()))
              .start();
      atTheEnd = new Thread(this::kill);
      Runtime.getRuntime().addShutdownHook(atTheEnd);
    }

    private void kill() {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }

    @Override
    public void close() {
      kill();
      process.onExit().join();
      Runtime.getRuntime().removeShutdownHook(atTheEnd);
    }
  }
}
