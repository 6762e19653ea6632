package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Command;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.MachineKernels;
import dev.coracle.it.harness.Poll;
import dev.coracle.it.harness.Testbed;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What containers cannot run that share the host's kernel. */
@ContainerTest
@Tag("vm")
@CoracleOnly("no peer gives a container a kernel of its own")
class VmWorkloadsIT {
  private static final Duration LONG = Duration.ofSeconds(150);

  /** Without CAP_SYS_BOOT: with it systemd's end is reboot(2), which kills it. */
  private static final String[] CAPABILITIES = {
    "CAP_AUDIT_CONTROL",
    "CAP_AUDIT_WRITE",
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_MKNOD",
    "CAP_NET_ADMIN",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_RAW",
    "CAP_SETFCAP",
    "CAP_SETGID",
    "CAP_SETPCAP",
    "CAP_SETUID",
    "CAP_SYS_ADMIN",
    "CAP_SYS_CHROOT",
    "CAP_SYS_MODULE",
    "CAP_SYS_NICE",
    "CAP_SYS_PTRACE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME"
  };

  /** All that a guest's root may do, on cgroups that can be written. */
  private static Bundle machine(Testbed bed) {
    return bed.bundle()
        .set(
            "/annotations",
            Json.object("dev.coracle.sandbox", "microvm", "dev.coracle.vm.accelerator", "tcg"))
        .capabilities(CAPABILITIES)
        .set("/process/noNewPrivileges", false)
        .remove("/process/rlimits")
        .remove("/linux/maskedPaths")
        .remove("/linux/readonlyPaths")
        .namespace("cgroup", null)
        .set("/linux/resources/devices", new Object[] {Json.object("allow", true, "access", "rwm")})
        .mount("/sys/fs/cgroup", "cgroup", "cgroup", "nosuid", "noexec", "nodev");
  }

  /** The programs of this machine, and what they take for granted. */
  private static Bundle withPrograms(Testbed bed) {
    Bundle bundle = machine(bed);
    String rootfs = bundle.rootfs().toString();
    bed.program("rm", "-r", rootfs + "/bin", rootfs + "/var/run").execute().ok();
    return bundle
        .symlink("/var/run", "../run")
        .symlink("/bin", "usr/bin")
        .set("/annotations/dev.coracle.vm.virtiofs.cache", "always")
        .symlink("/lib", "usr/lib")
        .symlink("/lib64", "usr/lib64")
        .symlink("/sbin", "usr/sbin")
        .mount("/usr", "bind", "/usr", "rbind", "ro")
        .mount("/run", "tmpfs", "tmpfs", "nosuid", "nodev", "mode=755")
        .mount("/tmp", "tmpfs", "tmpfs", "nosuid", "nodev", "mode=1777");
  }

  private static Command configured(Command command) {
    return command.env("CORACLE_CONFIG", MachineKernels.configuration().toString()).timeout(LONG);
  }

  @Test
  void sysctlsAndModulesAreItsOwn(Testbed bed) {
    Bundle bundle =
        machine(bed)
            .set("/annotations/dev.coracle.vm.lib_modules", "true")
            .symlink("/bin/modprobe", "busybox")
            .set("/linux/sysctl", Json.object("vm.overcommit_memory", "1", "kernel.msgmax", "9000"))
            .sh(
                "sysctl -n vm.overcommit_memory kernel.msgmax; sysctl -qw kernel.panic=77;"
                    + " modprobe dummy; cat /proc/sys/kernel/panic; grep -c ^dummy /proc/modules");
    assertThat(configured(bed.runCommand(bundle)).execute().ok().line())
        .isEqualTo("1\n9000\n77\n1");
  }

  /** Its files are served by virtiofsd, which knows no locks that are waited for. */
  @Test
  void locksAreWaitedFor(Testbed bed) {
    Bundle bundle =
        withPrograms(bed)
            .sh(
                "(flock /lock sh -c 'echo first; sleep 1; ls / > /tmp/ls; echo done') &"
                    + " until [ -e /lock ]; do sleep 0.1; done; sleep 0.3; flock /lock echo second");
    assertThat(configured(bed.runCommand(bundle)).execute().ok().line())
        .isEqualTo("first\ndone\nsecond");
  }

  @Test
  void systemdIsTheFirstProcess(Testbed bed) {
    Bundle bundle =
        withPrograms(bed)
            .file("/etc/machine-id", "0123456789abcdef0123456789abcdef\n")
            .file("/etc/fstab", "")
            .env("container=oci")
            .args("/usr/lib/systemd/systemd");
    Command create = configured(bed.createCommand(bundle));
    try (Container container = bed.created(bundle.id(), create).start()) {
      Poll.until(
          "systemd is up", LONG, () -> state(container).matches("running|degraded|maintenance"));
      // Nothing has failed: what it needs of files, mounts, cgroups and capabilities is there.
      assertThat(state(container)).isEqualTo("running");
      container.kill("SIGRTMIN+3").ok();
      assertThat(container.awaitExit()).isZero();
    }
  }

  private static String state(Container container) {
    return container.exec("/usr/bin/systemctl", "is-system-running").line();
  }

  @Test
  void dockerRunsOnADisk(Testbed bed) throws IOException {
    Bundle bundle =
        withPrograms(bed)
            .set("/annotations/dev.coracle.vm.disks", "/disks/docker,/var/lib/docker,ext4,1G")
            .set("/annotations/dev.coracle.vm.memory", "700M")
            .mount("/disks", "bind", bed.folder("disks"), "bind")
            .folder("/etc/docker")
            .folder("/image")
            .env("DOCKER_HOST=unix:///run/docker.sock")
            .sh(
                "dockerd --bridge none --iptables=false --ip6tables=false > /tmp/log 2>&1 & n=0\n"
                    + "until [ -S /run/docker.sock ] || [ $n -gt 600 ]; do\n"
                    + "  sleep 0.1; n=$((n + 1))\n"
                    + "done\n"
                    + "busybox tar -C /image -c . | docker import - image &&"
                    + " docker run --rm --network none image /busybox sh -c"
                    + " '/busybox echo inner; /busybox grep \" / \" /proc/mounts'"
                    + " || { cat /tmp/log; false; }");
    Files.copy(Path.of("/bin/busybox"), bundle.inRootfs("/image/busybox"));
    assertThat(configured(bed.runCommand(bundle)).execute().ok().stdout())
        .contains("\ninner\noverlay / overlay rw,", "lowerdir=/var/lib/docker/overlay2/");
  }
}
