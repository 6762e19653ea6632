package dev.coracle.property.linux;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.problem.Origin;
import dev.coracle.problem.Problems;
import dev.coracle.property.Reading;
import dev.coracle.spec.Linux;
import dev.coracle.spec.Linux.NetDevice;
import java.util.List;
import org.junit.jupiter.api.Test;

class NetDevicesTest {
  private final Reading reading = new Reading();
  private final Problems problems = new Problems();

  private List<NetDevice> read(String value) {
    return NetDevices.read(reading.at("/linux", "{'netDevices': " + value + "}"));
  }

  private static Linux linux(List<NetDevice> devices, Linux.Namespace... namespaces) {
    Linux none = Linux.NONE;
    return new Linux(
        List.of(namespaces),
        none.devices(),
        null,
        null,
        none.sysctl(),
        null,
        null,
        List.of(),
        List.of(),
        List.of(),
        List.of(),
        List.of(),
        devices,
        null,
        null,
        null,
        null);
  }

  @Test
  void namesAreKeptOrGiven() {
    List<NetDevice> devices = read("{'eth0': {}, 'eth1': {'name': 'net%d'}, 'a': {'name': ''}}");
    assertThat(reading.problems()).isEmpty();
    Linux.Namespace network =
        new Linux.Namespace(Linux.NamespaceType.NETWORK, null, new Origin.Default("test"));
    NetDevices.plan(linux(devices, network), reading.plan(), problems);
    assertThat(problems.all()).isEmpty();
    assertThat(reading.steps())
        .containsExactly(
            "PARENT_HOOKS MoveNetDevice[hostName=eth0, name=eth0] config.json"
                + " /linux/netDevices/eth0",
            "PARENT_HOOKS MoveNetDevice[hostName=eth1, name=net%d] config.json"
                + " /linux/netDevices/eth1",
            "PARENT_HOOKS MoveNetDevice[hostName=a, name=a] config.json /linux/netDevices/a");
  }

  @Test
  void theyNeedANetworkNamespace() {
    NetDevices.plan(linux(read("{'eth0': {}}")), reading.plan(), problems);
    assertThat(problems.errorText())
        .isEqualTo(
            "config.json /linux/netDevices: needs a network namespace;"
                + " add {\"type\":\"network\"} to /linux/namespaces");
    assertThat(reading.steps()).isEmpty();
  }

  @Test
  void allThatIsWrong() {
    read(
        "{'': {}, 'sixteen-letters-': {}, '..': {}, 'a/b': {'name': 'c d'}, 'eth%d': {},"
            + " 'b': {'name': 'x%s'}, 'c': {'name': 'x%d%d'}, 'd': {'name': 'e'},"
            + " 'e': {}, 'f': {'name': 'e'}, 'g': {'name': 'n%d'}, 'h': {'name': 'n%d'},"
            + " 'i:j': {'name': '.'}, 'k': 7}");
    assertThat(reading.problems())
        .containsExactly(
            "/linux/netDevices/: must have 1 to 15 characters",
            "/linux/netDevices/sixteen-letters-: must have 1 to 15 characters",
            "/linux/netDevices/..: must not be . or ..",
            "/linux/netDevices/a~1b: must not hold a slash, a colon or white space",
            "/linux/netDevices/a~1b/name: must not hold a slash, a colon or white space, not \"c"
                + " d\"",
            "/linux/netDevices/eth%d: must be the name of one interface",
            "/linux/netDevices/b/name: must hold %d at most once, and no other %, not \"x%s\"",
            "/linux/netDevices/c/name: must hold %d at most once, and no other %, not \"x%d%d\"",
            "/linux/netDevices/e/name: \"e\" is the name of another interface too",
            "/linux/netDevices/f/name: \"e\" is the name of another interface too",
            "/linux/netDevices/i:j: must not hold a slash, a colon or white space",
            "/linux/netDevices/i:j/name: must not be . or .., not \".\"",
            "/linux/netDevices/k: must be an object, not the number 7");
  }
}
