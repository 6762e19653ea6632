package dev.coracle.config;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.cgroup.DeviceUnits;
import dev.coracle.json.Pointer;
import dev.coracle.plan.Action;
import dev.coracle.plan.Errors;
import dev.coracle.plan.Phase;
import dev.coracle.plan.Step;
import dev.coracle.problem.Origin;
import dev.coracle.spec.Resources.DeviceRule;
import dev.coracle.systemd.Manager;
import dev.coracle.systemd.Scope;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ScopePropertiesTest {
  private static final Manager MANAGER = new Manager(false, 252, "");

  private static List<Step> files(String... pathsAndValues) {
    List<Step> out = new ArrayList<>();
    for (int i = 0; i < pathsAndValues.length; i += 2) {
      Action write = new Action.WriteCgroupFile("/c/" + pathsAndValues[i], pathsAndValues[i + 1]);
      out.add(new Step(Phase.PARENT_BEFORE, write, Origin.of(Pointer.ROOT), Errors.NONE));
    }
    return out;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "memory.max | 1048576 | [MemoryMax=1048576]",
        "memory.max | max | [MemoryMax=18446744073709551615]",
        "memory.low | 5 | [MemoryLow=5]",
        "memory.swap.max | 0 | [MemorySwapMax=0]",
        "memory.max.unknown | 5 | []",
        "max | 5 | []",
        "pids.max | 7 | [TasksMax=7]",
        "cpu.weight | 100 | [CPUWeight=100]",
        "io.weight | default 50 | [IOWeight=50]",
        "io.weight | 8:0 50 | []",
        "cpu.max | 25000 50000 | [CPUQuotaPeriodUSec=50000, CPUQuotaPerSecUSec=500000]",
        "cpu.max | 33333 100000 | [CPUQuotaPeriodUSec=100000, CPUQuotaPerSecUSec=340000]",
        "cpu.max | max 20000 | [CPUQuotaPeriodUSec=20000, CPUQuotaPerSecUSec=18446744073709551615]",
        "cpu.idle | 1 | [CPUWeight=0]",
        "cpuset.cpus | 0-2,9 | [AllowedCPUs=[7, 2]]",
        "cpuset.mems | 0 | [AllowedMemoryNodes=[1]]",
        "cpuset.cpus | 3-1 | []",
        "cpuset.cpus | 99999999 | []",
        "cpu.shares | 512 | [CPUShares=512]",
        "memory.limit_in_bytes | 4096 | [MemoryLimit=4096]",
        "blkio.weight | 10 | [BlockIOWeight=10]",
        "memory.oom.group | 1 | []",
      })
  void filesThatHaveAProperty(String file, String value, String properties) {
    assertThat(ScopeProperties.update(files(file, value), MANAGER)).hasToString(properties);
  }

  @Test
  void quotaAndPeriodOfV1AreTwoFiles() {
    assertThat(
            ScopeProperties.update(
                files("cpu.cfs_period_us", "50000", "cpu.cfs_quota_us", "25000"), MANAGER))
        .hasToString("[CPUQuotaPeriodUSec=50000, CPUQuotaPerSecUSec=500000]");
    assertThat(ScopeProperties.update(files("cpu.cfs_quota_us", "-1"), MANAGER))
        .hasToString("[CPUQuotaPerSecUSec=18446744073709551615]");
  }

  @Test
  void idleNeedsSystemd252() {
    assertThat(ScopeProperties.update(files("cpu.idle", "1"), new Manager(false, 251, "")))
        .isEmpty();
  }

  @Test
  void startTellsSliceDelegationAccountingAndDevices() {
    List<String> devices = DeviceUnits.allowed(List.of(new DeviceRule(true, 'b', 8L, null, "r")));
    assertThat(
            ScopeProperties.start(
                new Scope("a.slice", "u.scope"), "id", true, files(), devices, MANAGER))
        .map(Object::toString)
        .contains(
            "Slice=\"a.slice\"",
            "Delegate=true",
            "DefaultDependencies=false",
            "IOAccounting=true",
            "DevicePolicy=\"strict\"")
        .anyMatch(
            p ->
                p.startsWith("DeviceAllow=[")
                    && p.contains("[\"block-8\", \"r\"]")
                    && p.contains("[\"char-*\", \"m\"]")
                    && p.contains("[\"/dev/char/1:3\", \"rwm\"]"));
  }

  @Test
  void everythingAllowedLeavesDevicesToTheContainersOwnRules() {
    List<DeviceRule> all = List.of(new DeviceRule(true, 'a', null, null, "rwm"));
    assertThat(DeviceUnits.allowed(all)).isNull();
    assertThat(
            ScopeProperties.start(
                new Scope("a.slice", "u.scope"), "id", false, files(), null, MANAGER))
        .map(Object::toString)
        .contains("BlockIOAccounting=true", "DevicePolicy=\"auto\"", "DeviceAllow=[]");
  }
}
