package dev.coracle.sandbox;

import static dev.coracle.abi.Mount.MOUNT_ATTR_RDONLY;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.config.ConfigReader;
import dev.coracle.problem.Problems;
import dev.coracle.spec.Enclosure;
import dev.coracle.spec.Linux.Device;
import dev.coracle.spec.Linux.Namespace;
import dev.coracle.spec.Linux.NamespaceType;
import dev.coracle.spec.Mount;
import dev.coracle.spec.Process;
import dev.coracle.spec.Resources;
import dev.coracle.spec.Resources.DeviceRule;
import dev.coracle.spec.Root;
import dev.coracle.spec.Spec;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** One configuration, of which the host does one half and the guest the other. */
class MicroVmSandboxTest {
  private static final String CONFIG =
      """
      {"ociVersion": "1.3.0",
       "process": {"args": ["sh"], "cwd": "/work", "env": ["A=B"], "terminal": true,
         "user": {"uid": 1000, "gid": 1000},
         "capabilities": {"bounding": ["CAP_KILL"], "effective": ["CAP_KILL"]},
         "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 10, "hard": 20}],
         "scheduler": {"policy": "SCHED_BATCH", "nice": 3},
         "oomScoreAdj": 7, "noNewPrivileges": true},
       "root": {"path": "rootfs", "readonly": true},
       "hostname": "h",
       "mounts": [
         {"destination": "/proc", "type": "proc", "source": "proc"},
         {"destination": "/dev", "type": "tmpfs", "source": "tmpfs"},
         {"destination": "/dev/shm", "type": "bind", "source": "/shm", "options": ["bind", "ro"]},
         {"destination": "/etc/hosts", "type": "bind", "source": "/h", "options": ["rbind"]}],
       "hooks": {
         "createRuntime": [{"path": "/a"}], "startContainer": [{"path": "/b"}],
         "poststop": [{"path": "/c"}]},
       "linux": {
         "namespaces": [
           {"type": "pid"}, {"type": "mount"}, {"type": "network", "path": "/n"}, {"type": "time"},
           {"type": "uts"}],
         "timeOffsets": {"boottime": {"secs": 5}},
         "devices": [
           {"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229},
           {"path": "/dev/disk", "type": "b", "major": 8, "minor": 1}],
         "sysctl": {"net.ipv4.ip_forward": "1"},
         "maskedPaths": ["/proc/kcore"], "readonlyPaths": ["/proc/sys"],
         "resources": {
           "memory": {"limit": 1000000, "swap": -1}, "cpu": {"quota": 5000}, "pids": {"limit": 9},
           "devices": [{"allow": false, "access": "rwm"},
             {"allow": true, "type": "b", "major": 8, "minor": 1, "access": "rw"}]}}}
      """;

  private final Spec spec = read();
  private final Spec host =
      MicroVmSandbox.rewrite(
          spec,
          new MicroVmSandbox.Needs(
              List.of("/usr/lib"),
              "/store/k/modules/6.1.0-x",
              "/run/machines",
              "/var/saved",
              true,
              24,
              ~(1L << 21)));
  private final Spec guest = GuestSandbox.rewrite(spec);

  @Test
  void noMountIsLost() {
    for (Mount m : spec.mounts()) {
      boolean hosts = host.mounts().contains(m);
      boolean guests = guest.mounts().contains(m);
      assertThat(hosts ^ guests).as(m.destination()).isTrue();
    }
  }

  @Test
  void theModulesAreShownLastAndCannotBeChanged() {
    Mount modules = host.mounts().getLast();
    assertThat(modules.source()).isEqualTo("/store/k/modules/6.1.0-x");
    assertThat(modules.destination()).isEqualTo("/lib/modules/6.1.0-x");
    assertThat(modules.options().bind()).isTrue();
    assertThat(modules.options().attrSet() & MOUNT_ATTR_RDONLY).isNotZero();
    assertThat(modules.origin()).hasToString("default lib_modules (sandbox microvm)");
    MicroVmSandbox.Needs none =
        new MicroVmSandbox.Needs(List.of(), null, "/run/machines", null, false, 0, 0);
    Spec without = MicroVmSandbox.rewrite(spec, none);
    assertThat(without.mounts()).hasSize(2);
    assertThat(Objects.requireNonNull(without.enclosure()).mounts())
        .extracting(Mount::destination)
        .doesNotContain("/checkpoint");
  }

  @Test
  void aBindThatTheGuestWouldHideIsBoundThereOnceMore() {
    Mount shm = guest.mounts().get(2);
    assertThat(shm.destination()).isEqualTo("/dev/shm");
    assertThat(shm.source()).isEqualTo("/run/coracle/files/dev/shm");
    assertThat(shm.options()).isEqualTo(spec.mounts().get(2).options());
    assertThat(guest.mounts()).extracting(Mount::destination).doesNotContain("/etc/hosts");
  }

  @Test
  void aSocketOfTheHostIsCoveredByTheAgents() {
    Mount hosts = spec.mounts().getLast();
    Mount last =
        GuestSandbox.rewrite(spec, List.of(), List.of(spec.mounts().size() - 1)).mounts().getLast();
    assertThat(last.destination()).isEqualTo(hosts.destination());
    assertThat(last.source()).isEqualTo("/run/coracle/sockets/" + (spec.mounts().size() - 1));
    assertThat(last.options()).isEqualTo(hosts.options());
  }

  @Test
  void theRootStandsInARootOfItsOwn() {
    Enclosure around = Objects.requireNonNull(host.enclosure());
    assertThat(around.rootAt()).isEqualTo("/rootfs");
    assertThat(around.mounts())
        .extracting(Mount::destination)
        .containsExactly("/proc", "/dev", "/dev/pts", "/usr/lib", "/machines", "/checkpoint");
    Mount machines = around.mounts().get(4);
    assertThat(machines.source()).isEqualTo("/run/machines");
    assertThat(machines.options().attrSet() & MOUNT_ATTR_RDONLY).isZero();
    Mount checkpoint = around.mounts().get(5);
    assertThat(checkpoint.source()).isEqualTo("/var/saved");
    assertThat(checkpoint.options().attrSet() & MOUNT_ATTR_RDONLY).isNotZero();
    // The guest must be able to make the points where it mounts; it makes the root read-only.
    assertThat(host.root()).isEqualTo(new Root("rootfs", false));
    assertThat(guest.root()).isEqualTo(new Root("/run/coracle/root", true));
    assertThat(guest.enclosure()).isNull();
  }

  @Test
  void theProcessIsTheGuestsAndTheHostsServesIt() {
    Process on = Objects.requireNonNull(host.process());
    Process in = Objects.requireNonNull(guest.process());
    assertThat(in.user().uid()).isEqualTo(1000);
    assertThat(in.rlimits()).hasSize(1);
    assertThat(in.scheduler()).isNotNull();
    assertThat(in.cwd()).isEqualTo("/work");
    assertThat(on.user().uid()).isZero();
    assertThat(on.cwd()).isEqualTo("/");
    assertThat(on.rlimits()).isEmpty();
    assertThat(on.scheduler()).isNull();
    assertThat(on.noNewPrivileges()).isTrue();
    assertThat(on.terminal()).isTrue();
    assertThat(on.oomScoreAdj()).isEqualTo(7);
    assertThat(in.oomScoreAdj()).isNull();
    // CAP_SYS_ADMIN cannot be given here.
    long given = Objects.requireNonNull(on.capabilities()).effective();
    assertThat(given & 1L << 21).isZero();
    assertThat(given & 1L << 12).isNotZero();
    assertThat(Objects.requireNonNull(MicroVmSandbox.client(in).capabilities()).bounding())
        .isZero();
  }

  @Test
  void limitsAreTheMachinesButForProcesses() {
    Resources on = Objects.requireNonNull(host.linux().resources());
    Resources in = Objects.requireNonNull(guest.linux().resources());
    assertThat(Objects.requireNonNull(on.memory()).limitBytes()).isEqualTo(1000024);
    assertThat(on.memory().swapBytes()).isEqualTo(-1);
    assertThat(on.cpu()).isNotNull();
    assertThat(on.pidsLimit()).isNull();
    assertThat(on.devices()).hasSize(4);
    assertThat(in.memory()).isNull();
    assertThat(in.cpu()).isNull();
    assertThat(in.pidsLimit()).isEqualTo(9);
    assertThat(in.devices()).hasSize(2);
  }

  @Test
  void namespacesDevicesAndHooks() {
    assertThat(host.linux().namespaces())
        .extracting(Namespace::type)
        .containsExactly(
            NamespaceType.PID, NamespaceType.MOUNT, NamespaceType.NETWORK, NamespaceType.UTS);
    assertThat(guest.linux().namespaces())
        .extracting(Namespace::type)
        .contains(NamespaceType.TIME, NamespaceType.CGROUP, NamespaceType.IPC);
    assertThat(guest.linux().namespace(NamespaceType.NETWORK))
        .extracting(Namespace::path)
        .isEqualTo("/proc/1/ns/net");
    assertThat(host.linux().devices())
        .extracting(Device::path)
        .containsExactly("/dev/kvm", "/dev/net/tun", "/dev/disk0");
    assertThat(host.hooks().createRuntime()).hasSize(1);
    assertThat(host.hooks().startContainer()).isEmpty();
    assertThat(host.hooks().poststop()).hasSize(1);
    assertThat(guest.hooks().startContainer()).hasSize(1);
    assertThat(guest.hooks().createRuntime()).isEmpty();
  }

  @Test
  void aDiskHasOtherNumbersInTheGuest() {
    Device disk = spec.linux().devices().get(1);
    Device inGuest = new Device(disk.path(), 'b', 254, 16, null, 0, 0, disk.origin());
    Spec in = GuestSandbox.rewrite(spec, List.of(inGuest), List.of());
    assertThat(in.linux().devices()).containsExactly(spec.linux().devices().get(0), inGuest);
    assertThat(Objects.requireNonNull(in.linux().resources()).devices())
        .containsExactly(
            new DeviceRule(false, 'a', null, null, "rwm"),
            new DeviceRule(true, 'b', 8L, 1L, "rw"),
            new DeviceRule(true, 'b', 254L, 16L, "rw"));
    Device onHost = host.linux().devices().getLast();
    assertThat(onHost.major()).isEqualTo(8);
    assertThat(onHost.minor()).isEqualTo(1);
    assertThat(onHost.fileMode()).isEqualTo(0600);
  }

  @Test
  void whatTheKernelOfTheContainerDoesIsTheGuests() {
    assertThat(host.linux().sysctl()).isEmpty();
    assertThat(host.linux().maskedPaths()).isEmpty();
    assertThat(host.linux().readonlyPaths()).isEmpty();
    assertThat(guest.linux().sysctl()).hasSize(1);
    assertThat(guest.linux().maskedPaths()).hasSize(1);
    assertThat(guest.linux().readonlyPaths()).hasSize(1);
  }

  private static Spec read() {
    byte[] json = CONFIG.getBytes(StandardCharsets.UTF_8);
    Problems problems = new Problems();
    Spec spec = ConfigReader.read(json, 0, json.length, -1L, null, problems);
    assertThat(problems.errorText()).isEmpty();
    return Objects.requireNonNull(spec);
  }
}
