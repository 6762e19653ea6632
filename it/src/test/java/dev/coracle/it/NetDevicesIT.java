package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Command;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.Result;
import dev.coracle.it.harness.Testbed;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The host here is a network namespace of the test's own, in which the runtime is started, so that
 * no interface of the machine is touched; it ends with the command.
 */
@CoracleOnly("runc has it since 1.4, crun since 1.24")
@ContainerTest
class NetDevicesIT {
  private static final String HOST =
      "set -e; PATH=/usr/sbin:/sbin:/usr/bin:/bin; ip link set lo up; ip link add ours type veth peer name peer;"
          + " ip link set ours mtu 1400; ip addr add 192.0.2.7/24 dev ours;"
          + " ip addr add 2001:db8::7/64 dev ours nodad; ip addr add 192.0.2.8/32 dev ours"
          + " valid_lft 900 preferred_lft 900; ip link set ours up; ip link set peer up; set +e; ";

  @BeforeEach
  void kernelHasPairs(Testbed bed) {
    // The guest's modules are not loaded: it has no pairs.
    Result made =
        bed.program("unshare", "-n", "ip", "link", "add", "ours", "type", "veth", "peer", "peer")
            .execute();
    Assumptions.assumeTrue(
        !made.stderr().contains("Unknown device type"), "this kernel makes no veth");
  }

  /** Runs a command in a new network namespace with a pair of interfaces, and a script after it. */
  private static Command inHost(Command command, String script) {
    return command.after(
        "exec /usr/bin/unshare -n /bin/sh -c '"
            + HOST
            + "\"$@\"; status=$?; "
            + script
            + " exit $status' sh \"$@\"");
  }

  private static Bundle bundle(Testbed bed, String name) {
    return bed.bundle()
        .set("/linux/netDevices/ours", Json.object("name", name))
        .sh("ip addr show; cat /sys/class/net/*/mtu");
  }

  @Test
  void anInterfaceMovesWithItsNameMtuAndAddresses(Testbed bed) {
    Result result =
        inHost(bed.runCommand(bundle(bed, "theirs")), "ip link show ours >&2;").execute().ok();
    assertThat(result.stdout())
        .containsPattern("theirs@if\\d+: <[^>]*UP[^>]*> mtu 1400")
        .contains("inet 192.0.2.7/24 ")
        .contains("inet6 2001:db8::7/64 scope global")
        .as("what was leased is not kept")
        .doesNotContain("192.0.2.8");
    assertThat(result.stderr()).contains("does not exist");
  }

  @Test
  void aPatternGetsTheFirstFreeNumber(Testbed bed) {
    Bundle bundle =
        bundle(bed, "net%d").set("/linux/netDevices/peer", Json.object("name", "net%d"));
    assertThat(inHost(bed.runCommand(bundle), "").execute().ok().stdout())
        .containsPattern("net0@")
        .containsPattern("net1@");
  }

  @Test
  void hooksSeeItInTheContainer(Testbed bed) {
    Bundle bundle =
        bundle(bed, "theirs")
            .set(
                "/hooks/createRuntime",
                java.util.List.of(
                    Json.object(
                        "path",
                        "/bin/sh",
                        "args",
                        java.util.List.of(
                            "sh",
                            "-c",
                            "pid=$(sed -n 's/.*\"pid\": *\\([0-9]*\\).*/\\1/p' | head -n 1);"
                                + " nsenter -t $pid -n ip addr show theirs > "
                                + bed.directory()
                                + "/seen"),
                        "env",
                        java.util.List.of("PATH=/usr/sbin:/usr/bin:/sbin:/bin"))));
    inHost(bed.runCommand(bundle), "").execute().ok();
    assertThat(bed.directory().resolve("seen")).content().contains("192.0.2.7/24");
  }

  @Test
  void aKernelParameterOfItCanBeSet(Testbed bed) {
    Bundle bundle =
        bundle(bed, "theirs")
            .set("/linux/sysctl/net.ipv4.conf.theirs.log_martians", "1")
            .sh("cat /proc/sys/net/ipv4/conf/theirs/log_martians");
    assertThat(inHost(bed.runCommand(bundle), "").execute().ok().line()).isEqualTo("1");
  }

  @Test
  void anErrorGivesItBack(Testbed bed) {
    Bundle bundle =
        bundle(bed, "theirs").set("/linux/netDevices/peer", Json.object("name", "lo")).args("true");
    Result result = inHost(bed.runCommand(bundle), "ip addr show ours;").execute().fails();
    assertThat(result.error())
        .contains(
            "config.json /linux/netDevices/peer: cannot move interface \"peer\" into the container"
                + " as \"lo\": the container has an interface \"lo\" already");
    assertThat(result.stdout())
        .containsPattern("ours@peer: <[^>]*UP[^>]*> mtu 1400")
        .contains("inet 192.0.2.7/24 ", "inet6 2001:db8::7/64 ");
  }

  @Test
  void aFailureLaterGivesItBackToo(Testbed bed) {
    Bundle bundle = bundle(bed, "theirs").args("/no/such/program");
    assertThat(inHost(bed.runCommand(bundle), "ip addr show ours;").execute().fails().stdout())
        .contains("inet 192.0.2.7/24 ");
  }

  @Test
  void anInterfaceThatIsNotThereIsNamed(Testbed bed) {
    Bundle bundle = bed.bundle().set("/linux/netDevices/nobody", Json.object()).args("true");
    assertThat(bed.run(bundle).fails().error())
        .contains(
            "config.json /linux/netDevices/nobody: cannot move interface \"nobody\"",
            "the host has no interface \"nobody\"");
  }

  @Test
  void theHostsOwnNamespaceIsRefused(Testbed bed) {
    Bundle bundle =
        bundle(bed, "theirs")
            .namespace(
                "network",
                java.nio.file.Path.of("/proc/" + ProcessHandle.current().pid() + "/ns/net"));
    assertThat(bed.run(bundle.args("true")).fails().error())
        .contains("the container's network namespace is the host's");
  }
}
