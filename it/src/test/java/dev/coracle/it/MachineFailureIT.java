package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Command;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.Descendants;
import dev.coracle.it.harness.Libc;
import dev.coracle.it.harness.MachineKernels;
import dev.coracle.it.harness.Poll;
import dev.coracle.it.harness.Result;
import dev.coracle.it.harness.Testbed;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What a machine lacks, and what of it can die: each is told, or is exit status 137, and nothing is
 * left. The tests' extension looks for processes, mounts, cgroups and state; the files and sockets
 * of a machine are in the root that ends with its mount namespace.
 */
@ContainerTest
@Tag("vm")
@CoracleOnly("no peer runs virtual machines")
class MachineFailureIT {
  private static final String OPTION = "/annotations/dev.coracle.vm.";
  private static final Duration BOOT = Duration.ofSeconds(90);
  private static final int KILLED = 137;

  private static Bundle bundle(Testbed bed) {
    return bed.bundle()
        .set("/annotations/dev.coracle.sandbox", "microvm")
        .set(OPTION + "memory", "128M");
  }

  private static Command command(Testbed bed, Bundle bundle) {
    return bed.runCommand(bundle)
        .env("CORACLE_CONFIG", MachineKernels.configuration().toString())
        .timeout(BOOT);
  }

  /** Its machine is a copy of one that was booted before: for what happens later. */
  private static Command copy(Testbed bed, Bundle bundle) {
    return command(bed, bundle).env("CORACLE_CONFIG", MachineKernels.templates().toString());
  }

  private static Result run(Testbed bed, Bundle bundle) {
    return command(bed, bundle).execute();
  }

  /** A container that has said "ready", and lasts. */
  private static Command.Running up(Command command) {
    Command.Running running = command.start();
    Poll.until(
        "the machine is up",
        BOOT,
        () -> running.stdout().contains("ready") || !running.isRunning());
    assertThat(running.stdout()).as(running.stderr()).contains("ready");
    return running;
  }

  private static Bundle lasting(Bundle bundle) {
    return bundle.sh("echo ready; while :; do sleep 1; done");
  }

  /** The command in a mount namespace of its own, after a script. */
  private static Command where(Command command, String script) {
    return command.after(
        "exec /usr/bin/unshare -m --propagation private /bin/sh -c '"
            + script
            + "; exec \"$@\"' sh \"$@\"");
  }

  @Test
  void allThatIsMissingIsToldAtOnceWithItsPackage(Testbed bed) {
    Path none = bed.folder("kernels");
    String config = bed.file("config.toml", "[vm]\nkernels = \"" + none + "\"\n").toString();
    String empty =
        "for d in /usr/libexec /usr/lib/qemu /usr/share/qemu /usr/local/bin /usr/bin; do"
            + " ! [ -d $d ] || mount -t tmpfs tmpfs $d; done";
    Command command = command(bed, bundle(bed)).env("CORACLE_CONFIG", config);
    assertThat(where(command, empty).execute().exitsWith(1).error())
        .contains("QEMU is missing; install the package qemu-system-x86")
        .contains("virtiofsd is missing; install the package qemu-system-common")
        .contains("qboot.rom for microvm is missing; install the package qemu-system-data")
        .contains("there is no kernel for virtual machines in " + none)
        .contains("linux-image-*-cloud-amd64");
  }

  @Test
  void whatTheConfigurationNamesAndIsNotThere(Testbed bed) {
    String config =
        bed.file(
                "config.toml",
                "[vm]\nqemu = \"/no/qemu\"\nvirtiofsd = \"/no/virtiofsd\"\nkernels = \"/no/kernels\"\n")
            .toString();
    Command command = command(bed, bundle(bed)).env("CORACLE_CONFIG", config);
    assertThat(command.execute().exitsWith(1).error())
        .contains("/no/qemu is not there: QEMU is missing; install the package qemu-system-x86")
        .contains("/no/virtiofsd is not there: virtiofsd is missing; install the package")
        .contains("there is no kernel for virtual machines in /no/kernels");
  }

  /** A guest's memory has no name in any filesystem. */
  @Test
  void aFullDevShmIsOfNoMatter(Testbed bed) {
    String full =
        "mount -t tmpfs -o size=4k tmpfs /dev/shm; ! cat /dev/zero > /dev/shm/full 2>/dev/null";
    Command command = command(bed, bundle(bed).sh("echo ready"));
    assertThat(where(command, full).execute().ok().stdout()).isEqualTo("ready\n");
  }

  @Test
  void aProgramThatDoesNotTakeItsArguments(Testbed bed) {
    Bundle bundle =
        bundle(bed)
            .set("/vm/hypervisor/path", "/usr/bin/qemu-system-x86_64")
            .set("/vm/hypervisor/parameters", List.of("-nonsense"))
            .set("/vm/kernel/path", "/vmlinux")
            .set(OPTION + "kernel", "debian");
    assertThat(run(bed, bundle).exitsWith(KILLED).error())
        .contains("the virtual machine ended unexpectedly")
        .contains("-nonsense: invalid option");
  }

  @Test
  void aKernelThatPanics(Testbed bed) {
    Bundle bundle = bundle(bed).set(OPTION + "kernel_append", "rdinit=/nonexistent");
    assertThat(run(bed, bundle).exitsWith(KILLED).error())
        .contains("the virtual machine ended unexpectedly; the last it said:")
        .contains("Kernel panic - not syncing: VFS: Unable to mount root fs");
  }

  /** A kernel without modules has no port: what /vm names is the one of another store. */
  @Test
  void aKernelWithoutWhatTheAgentNeeds(Testbed bed) {
    Path kernels = bed.folder("kernels");
    String config = bed.file("config.toml", "[vm]\nkernels = \"" + kernels + "\"\n").toString();
    Path vmlinux = MachineKernels.configuration().resolveSibling("kernels/debian/vmlinux");
    assertThat(vmlinux).exists();
    Bundle bundle = bundle(bed).set("/vm/kernel/path", vmlinux.toString());
    assertThat(
            command(bed, bundle).env("CORACLE_CONFIG", config).execute().exitsWith(KILLED).error())
        .contains("the guest cannot go on: the port \"dev.coracle.vm\" is not there");
  }

  /** QEMU does not let the processor of the first machine run. */
  @Test
  void aGuestThatNeverAnswersIsReplaced(Testbed bed) throws IOException {
    long soon = System.currentTimeMillis() / 1000 + 12;
    Path qemu =
        bed.file(
            "qemu",
            "#!/usr/bin/sh\n[ $(date +%s) -ge "
                + soon
                + " ] || set -- \"$@\" -S\nexec /usr/bin/qemu-system-x86_64 \"$@\"\n");
    Files.setPosixFilePermissions(qemu, PosixFilePermissions.fromString("rwxr-xr-x"));
    Bundle bundle =
        bundle(bed)
            .sh("echo ready")
            .set("/vm/hypervisor/path", qemu.toString())
            .set("/vm/kernel/path", "/vmlinux")
            .set(OPTION + "kernel", "debian")
            .set(OPTION + "accelerator", "tcg");
    Result result = run(bed, bundle).ok();
    assertThat(result.stdout()).isEqualTo("ready\n");
    assertThat(result.stderr())
        .contains("warning: the guest did not answer within 20 s: another one is tried");
  }

  @ParameterizedTest
  @CsvSource({
    "qemu-system-x86, the virtual machine ended unexpectedly",
    "virtiofsd, virtiofsd ended unexpectedly",
    "coracle-monitor, the virtual machine ended without a word",
    "coracle-vm, ''"
  })
  void aProcessThatIsKilled(String name, String told, Testbed bed) {
    Command.Running running = up(command(bed, lasting(bundle(bed))));
    Libc.kill(Descendants.named(name), Libc.SIGKILL);
    assertThat(running.end().exitsWith(KILLED).error()).contains(told);
  }

  /** Without a PID namespace nobody but they themselves ends them all. */
  @ParameterizedTest
  @ValueSource(strings = {"coracle-monitor", "coracle-vm"})
  void aProcessThatIsKilledAmongTheHosts(String name, Testbed bed) {
    Command.Running running = up(copy(bed, lasting(bundle(bed)).withoutNamespace("pid")));
    Libc.kill(Descendants.named(name), Libc.SIGKILL);
    running.end().exitsWith(KILLED);
  }

  /** In a network namespace that stays, as that of a pod. */
  @Test
  void aMachineThatIsKilledLeavesNoTap(Testbed bed) {
    Bundle bundle = lasting(bundle(bed)).namespace("network", Path.of("/run/netns/pod"));
    Command command =
        command(bed, bundle)
            .after(
                "exec /usr/bin/unshare -m -n --propagation private /bin/sh -c '"
                    + "PATH=/usr/sbin:/sbin:/usr/bin:/bin; mount -t tmpfs tmpfs /run;"
                    + " ip netns add pod; ip -n pod link add eth0 type veth peer name peer;"
                    + " ip -n pod addr add 192.0.2.7/24 dev eth0; ip -n pod link set eth0 up;"
                    + " \"$@\"; status=$?; ip -n pod -o link; exit $status' sh \"$@\"");
    Command.Running running = up(command);
    Libc.kill(Descendants.named("qemu-system-x86"), Libc.SIGKILL);
    assertThat(running.end().exitsWith(KILLED).stdout()).contains("eth0@").doesNotContain("tap");
  }

  @Test
  void aProcessThatTakesAllOfTheGuestsMemory(Testbed bed) {
    copy(bed, bundle(bed).args("tail", "/dev/zero")).execute().exitsWith(KILLED);
  }

  /** What stands in a tmpfs is freed by no kill. */
  @Test
  void filesThatTakeAllOfTheGuestsMemory(Testbed bed) {
    Bundle bundle =
        bundle(bed)
            .mount("/full", "tmpfs", "tmpfs", "size=1g")
            .sh("exec dd if=/dev/zero of=/full/file bs=64k");
    assertThat(run(bed, bundle).exitsWith(KILLED).stdout()).isEmpty();
  }

  @Test
  void whatIsStartedBesideItIsToldOfTheEnd(Testbed bed) {
    Bundle bundle = lasting(bundle(bed));
    Command.Running running = up(copy(bed, bundle));
    Command.Running exec =
        bed.oci("exec", bundle.id(), "sh", "-c", "echo here; sleep 1000").timeout(BOOT).start();
    Poll.until("the exec runs", BOOT, () -> exec.stdout().contains("here"));
    Libc.kill(Descendants.named("qemu-system-x86"), Libc.SIGKILL);
    exec.end().exitsWith(KILLED);
    running.end().exitsWith(KILLED);
  }
}
