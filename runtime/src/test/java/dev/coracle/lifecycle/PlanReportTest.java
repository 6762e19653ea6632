package dev.coracle.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.lifecycle.FakeHost.Layout;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The plans of whole bundles: a change of any step shows in golden/ as a change of a line. */
class PlanReportTest {
  private static String report(String bundle, Layout layout, @Nullable String sandbox)
      throws Failure {
    FakeHost host = new FakeHost(layout, FakeHost.bundle(bundle));
    String out = PlanReport.report(host.environment(), FakeHost.request(sandbox), false);
    assertThat(host.kernel.made()).as("a plan does nothing").isEmpty();
    assertThat(host.kernel.children()).isEmpty();
    assertThat(host.kernel.openDescriptors()).isEmpty();
    return out;
  }

  @ParameterizedTest
  @CsvSource({
    "minimal,v1",
    "minimal,hybrid",
    "minimal,v2",
    "docker,v1",
    "docker,hybrid",
    "docker,v2",
    "runc,v1",
    "runc,v2",
    "joined,v2",
    "userns,v2",
    "pod,v1",
    "chroot,v2",
    "hooks,v2",
  })
  void golden(String bundle, String layout) throws Failure, IOException {
    Layout of = Layout.valueOf(layout.toUpperCase(java.util.Locale.ROOT));
    Golden.check(bundle + "-" + layout + ".txt", report(bundle, of, null));
  }

  @Test
  void goldenHostSandbox() throws Failure, IOException {
    Golden.check("docker-host-v2.txt", report("docker", Layout.V2, "host"));
  }
}
