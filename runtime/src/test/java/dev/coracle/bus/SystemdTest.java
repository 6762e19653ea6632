package dev.coracle.bus;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.bus.Systemd.Owner;
import dev.coracle.dbus.Value;
import dev.coracle.kernel.DescribingKernel;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.RecordingKernel;
import dev.coracle.systemd.Scope;
import dev.coracle.systemd.UnitProperty;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SystemdTest {
  private static final String PRIVATE = "/run/systemd/private";
  private static final String AUTH = "0|AUTH EXTERNAL|DATA|BEGIN|";
  private static final Scope SCOPE = new Scope("a.slice", "u.scope");
  private static final List<UnitProperty> PROPERTIES =
      List.of(new UnitProperty("Delegate", Value.of(true)));

  private final FakeSystemd fake = new FakeSystemd();
  private final RecordingKernel kernel = new RecordingKernel().peer(PRIVATE, fake);

  private Systemd.Connected connect(Owner owner, String... variables) {
    return Systemd.connect(new DescribingKernel(kernel), List.of(variables), owner);
  }

  private Systemd connected() {
    return requireNonNull(connect(Owner.OURS).systemd());
  }

  private @Nullable String start() {
    return connected().start(SCOPE, PROPERTIES, 42);
  }

  @Test
  void rootSpeaksToSystemdItself() {
    Systemd systemd = connected();
    assertThat(systemd.ask()).isNull();
    assertThat(systemd.manager().version()).isEqualTo(252);
    assertThat(systemd.manager().user()).isFalse();
    systemd.close();
    assertThat(fake.calls()).containsExactly(AUTH, "Get Version", "Get ControlGroup");
    assertThat(kernel.openDescriptors()).isEmpty();
  }

  @Test
  void startsAndStops() {
    Systemd systemd = connected();
    assertThat(systemd.start(SCOPE, PROPERTIES, 42)).isNull();
    assertThat(systemd.hasStarted()).isTrue();
    assertThat(systemd.set("u.scope", PROPERTIES)).isNull();
    assertThat(systemd.stop("u.scope")).isNull();
    assertThat(fake.calls())
        .containsExactly(
            AUTH,
            "StartTransientUnit u.scope",
            "SetUnitProperties u.scope",
            "StopUnit u.scope",
            "ResetFailedUnit u.scope");
  }

  @Test
  void aJobMayEndBeforeItsCallIsAnswered() {
    fake.endsJobsEarly();
    assertThat(start()).isNull();
  }

  @Test
  void aUnitThatFailedBeforeIsReset() {
    fake.answers("StartTransientUnit", "org.freedesktop.systemd1.UnitExists", "ok");
    assertThat(start()).isNull();
    assertThat(fake.calls())
        .containsExactly(
            AUTH,
            "StartTransientUnit u.scope",
            "ResetFailedUnit u.scope",
            "StartTransientUnit u.scope");
  }

  @Test
  void aUnitThatRunsStays() {
    String exists = "org.freedesktop.systemd1.UnitExists";
    fake.answers("StartTransientUnit", exists, exists);
    Systemd systemd = connected();
    assertThat(systemd.start(SCOPE, PROPERTIES, 42))
        .isEqualTo("StartTransientUnit(\"u.scope\"): " + exists + ": because of the test");
    assertThat(systemd.hasStarted()).isFalse();
  }

  @ParameterizedTest
  @CsvSource({
    "failed, StartTransientUnit(\"u.scope\"): job failed",
    "canceled, StartTransientUnit(\"u.scope\"): job canceled",
    "'', StartTransientUnit(\"u.scope\"): no answer in time",
  })
  void jobsThatDoNotEndWell(String result, String problem) {
    fake.jobs(result);
    Systemd systemd = connected();
    assertThat(systemd.start(SCOPE, PROPERTIES, 42)).isEqualTo(problem);
    assertThat(systemd.hasStarted()).isTrue();
  }

  @Test
  void aUnitThatIsGoneIsStopped() {
    String gone = "org.freedesktop.systemd1.NoSuchUnit";
    fake.answers("StopUnit", gone).answers("ResetFailedUnit", gone);
    assertThat(connected().stop("u.scope")).isNull();
    fake.answers("StopUnit", "org.freedesktop.DBus.Error.AccessDenied");
    assertThat(connected().stop("u.scope")).contains("StopUnit(\"u.scope\"): ", "AccessDenied");
  }

  @Test
  void silenceGarbageAndClosedConnections() {
    fake.answers("StartTransientUnit", "silence");
    assertThat(start()).isEqualTo("StartTransientUnit(\"u.scope\"): no answer in time");
    fake.answers("StartTransientUnit", "close");
    assertThat(start()).isEqualTo("StartTransientUnit(\"u.scope\"): the connection was closed");
    fake.answers("StartTransientUnit", (Object) new byte[64]);
    assertThat(start()).isEqualTo("StartTransientUnit(\"u.scope\"): a broken message came");
    byte[] endless = new byte[16];
    endless[0] = 'l';
    endless[3] = 1;
    endless[14] = 0x7f;
    fake.answers("StartTransientUnit", (Object) endless);
    assertThat(start()).isEqualTo("StartTransientUnit(\"u.scope\"): a broken message came");
  }

  @Test
  void randomAnswersEnd() {
    Random random = new Random(20261124);
    for (int round = 0; round < 2000; round++) {
      byte[] noise = Wire.jobRemoved(5, "/org/freedesktop/systemd1/job/7", "u.scope", "done");
      for (int i = random.nextInt(8); i >= 0; i--) {
        noise[random.nextInt(noise.length)] = (byte) random.nextInt(256);
      }
      fake.answers("StartTransientUnit", (Object) noise);
      assertThat(start()).startsWith("StartTransientUnit(\"u.scope\"): ");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "'REJECTED EXTERNAL\r\n', authentication was answered with \"REJECTED EXTERNAL\"",
    "'', no answer in time",
  })
  void refusedAuthentication(String greeting, String problem) {
    fake.greeting(greeting.replace("\\r\\n", "\r\n"));
    kernel.broken("/run/dbus/system_bus_socket", Errno.ECONNREFUSED);
    assertThat(connect(Owner.OURS).problem())
        .startsWith("cannot connect to systemd: " + problem + "; connect(")
        .contains("/run/dbus/system_bus_socket");
    assertThat(kernel.openDescriptors()).isEmpty();
  }

  @Test
  void greetingWithoutEndIsBounded() {
    fake.greeting("x".repeat(100_000));
    kernel.broken("/run/dbus/system_bus_socket", Errno.ENOENT);
    assertThat(connect(Owner.OURS).problem()).contains("a line that does not end");
  }

  @Test
  void theBusIsTheSecondChoice() {
    kernel.broken(PRIVATE, Errno.ENOENT).peer("/run/dbus/system_bus_socket", fake);
    Systemd systemd = connected();
    assertThat(systemd.start(SCOPE, PROPERTIES, 42)).isNull();
    assertThat(fake.calls().subList(0, 4))
        .containsExactly(
            AUTH,
            "Hello",
            "AddMatch type='signal',sender='org.freedesktop.systemd1',"
                + "interface='org.freedesktop.systemd1.Manager',member='JobRemoved'",
            "Subscribe");
  }

  @Test
  void anAddressInTheEnvironmentIsTheFirst() {
    FakeSystemd other = new FakeSystemd();
    kernel.peer("/my bus", other);
    String address = "DBUS_SYSTEM_BUS_ADDRESS=tcp:host=x;unix:guid=1,path=/my%20bus";
    assertThat(connect(Owner.SYSTEM, address).problem()).isEmpty();
    assertThat(other.calls()).hasSize(4);
    assertThat(fake.calls()).isEmpty();
  }

  @Test
  void usersHaveTheirOwn() {
    FakeSystemd own = new FakeSystemd().controlGroup("/user.slice/user@5.service");
    kernel.answers("geteuid", 5).peer("/run/user/5/systemd/private", own);
    Systemd systemd = requireNonNull(connect(Owner.OURS, "XDG_RUNTIME_DIR=/run/user/5").systemd());
    assertThat(systemd.ask()).isNull();
    assertThat(systemd.manager().user()).isTrue();
    assertThat(systemd.manager().controlGroup()).isEqualTo("/user.slice/user@5.service");
    assertThat(fake.calls()).isEmpty();
  }

  @Test
  void rootOfAUserNamespaceHasItToo() {
    FakeSystemd own = new FakeSystemd();
    kernel
        .broken(PRIVATE, Errno.EACCES)
        .broken("/run/user/5/systemd/private", Errno.ENOENT)
        .peer("/run/user/5/bus", own);
    Systemd.Connected connected = connect(Owner.OURS, "XDG_RUNTIME_DIR=/run/user/5");
    assertThat(connected.problem()).isEmpty();
    assertThat(own.calls()).contains("Hello");
  }

  @Test
  void withoutAnAddressThereIsNone() {
    kernel.answers("geteuid", 5);
    assertThat(connect(Owner.OURS).problem())
        .isEqualTo(
            "cannot connect to the user's systemd: neither XDG_RUNTIME_DIR nor a bus's address is"
                + " set");
  }

  @Test
  void tooOld() {
    fake.version("239");
    assertThat(connected().ask()).isEqualTo("version \"239\" is too old: 244 or newer is needed");
  }

  @Test
  void everyCallThatFailsIsTold() {
    for (String kind : List.of("socket", "write", "poll", "read")) {
      for (int n = 1; n <= 2; n++) {
        RecordingKernel failing = new RecordingKernel().peer(PRIVATE, new FakeSystemd());
        failing.broken("/run/dbus/system_bus_socket", Errno.ENOENT).fail(kind, n, Errno.EIO);
        Systemd.Connected connected =
            Systemd.connect(new DescribingKernel(failing), List.of(), Owner.OURS);
        Systemd systemd = connected.systemd();
        String problem = systemd == null ? connected.problem() : systemd.ask();
        boolean second = kind.equals("socket") && n == 2;
        assertThat(problem == null).as(kind + n).isEqualTo(second);
        if (problem != null) {
          assertThat(problem).contains("EIO");
        }
      }
    }
  }
}
