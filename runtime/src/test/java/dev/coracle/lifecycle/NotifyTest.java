package dev.coracle.lifecycle;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coracle.kernel.Errno;
import dev.coracle.lifecycle.FakeHost.Layout;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class NotifyTest {
  private static final String[] ASKED = {"NOTIFY_SOCKET=@manager"};

  private static List<String> calls(FakeHost host, String part) {
    List<String> out = new ArrayList<>();
    for (String call : host.kernel.calls()) {
      if (call.contains(part)) {
        out.add(call);
      }
    }
    return out;
  }

  @Test
  void theContainerIsShownADirectoryAndTold() {
    FakeHost host = new FakeHost(Layout.V2, FakeHost.bundle("minimal"));
    host.kernel.asChild();
    assertThatThrownBy(() -> Create.create(host.environment(ASKED), FakeHost.request(null)))
        .hasMessage(
            "execve(\"/usr/local/sbin/sh\", [\"sh\"],"
                + " [\"NOTIFY_SOCKET=/run/notify/notify.sock\", \"HOME=/\"])");
    assertThat(calls(host, "/run/coracle/id/notify")).anyMatch(c -> c.startsWith("open_tree"));
  }

  @Test
  void nobodyPaysForItUnasked() throws Failure {
    FakeHost host = new FakeHost(Layout.V2, FakeHost.bundle("minimal"));
    host.kernel.childSays("R");
    assertThat(Create.create(host.environment(), FakeHost.request(null)).terminal()).isFalse();
    assertThat(calls(host, "notify")).isEmpty();
    assertThat(Notify.open(host.environment(), "id")).isNull();
    assertThat(calls(host, "notify")).isEmpty();
  }

  @Test
  void aContainerThatWasMadeWithoutIsStartedWithout() throws Failure {
    FakeHost host = new FakeHost(Layout.V2, FakeHost.bundle("minimal"));
    host.kernel.broken("/run/coracle/id/notify", Errno.ENOENT);
    assertThat(Notify.open(host.environment(ASKED), "id")).isNull();
    assertThat(calls(host, "bind(")).isEmpty();
  }

  @Test
  void theSocketsAreOpenedBeforeTheStart() throws Failure {
    FakeHost host = new FakeHost(Layout.V2, FakeHost.bundle("minimal"));
    Notify notify = requireNonNull(Notify.open(host.environment(ASKED), "id"));
    assertThat(calls(host, "bind(")).singleElement().asString().contains("/notify.sock");
    assertThat(calls(host, "connect(")).singleElement().asString().contains("@manager");
    assertThat(notify.relay()).as("nothing was said").isFalse();
  }

  @Test
  void aManagerThatIsNotThereIsAnError() {
    FakeHost host = new FakeHost(Layout.V2, FakeHost.bundle("minimal"));
    host.kernel.broken("@manager", Errno.ECONNREFUSED);
    assertThatThrownBy(() -> Notify.open(host.environment(ASKED), "id"))
        .hasMessage("NOTIFY_SOCKET \"@manager\": ECONNREFUSED (connection refused)");
  }
}
