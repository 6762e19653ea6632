package dev.coracle.property.linux;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.config.ConfigReader;
import dev.coracle.plan.PlanBuilder;
import dev.coracle.problem.Problems;
import dev.coracle.spec.Spec;
import org.junit.jupiter.api.Test;

class SysctlTest {
  private final Problems problems = new Problems();
  private final PlanBuilder plan = new PlanBuilder();

  private int steps(Sysctl.Kernel kernel, String sysctl) {
    String text =
        "{'ociVersion':'1.2.0','root':{'path':'r'},'process':{'cwd':'/','args':['a']},"
            + "'linux':{'namespaces':[{'type':'ipc'}],'sysctl':{"
            + sysctl
            + "}}}";
    byte[] json = text.replace('\'', '"').getBytes(UTF_8);
    Spec spec = requireNonNull(ConfigReader.read(json, 0, json.length, -1, problems));
    Sysctl.plan(spec, kernel, plan, problems);
    return plan.build().steps().size();
  }

  @Test
  void onAKernelOfOthersItMustBelongToANamespace() {
    String some = "'kernel.shmmax':'1','vm.swappiness':'1','net.core.somaxconn':'1'";
    assertThat(steps(Sysctl.Kernel.SHARED, some)).isOne();
    assertThat(problems.errorText())
        .contains("/linux/sysctl/vm.swappiness: belongs to no namespace")
        .contains("/linux/sysctl/net.core.somaxconn: needs a network namespace");
  }

  @Test
  void onAKernelOfItsOwnAnyMayBeSet() {
    String some = "'kernel.shmmax':'1','vm.swappiness':'1','net.core.somaxconn':'1'";
    assertThat(steps(Sysctl.Kernel.OWN, some)).isEqualTo(3);
    assertThat(problems.hasErrors()).isFalse();
  }

  @Test
  void theHostNameHasAPropertyOfItsOwn() {
    assertThat(steps(Sysctl.Kernel.OWN, "'kernel.hostname':'box'")).isZero();
    assertThat(problems.errorText()).contains("is set by /hostname");
  }
}
