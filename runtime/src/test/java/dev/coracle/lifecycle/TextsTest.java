package dev.coracle.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.networknt.schema.InputFormat;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SpecVersion.VersionFlag;
import dev.coracle.kernel.Errno;
import dev.coracle.lifecycle.FakeHost.Layout;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Texts that verbs read and write: signals, times, settings, features, templates, tables. */
class TextsTest {
  private static final Path SCHEMA =
      Path.of("../core/src/test/resources/runtime-spec-1.3/schema").toAbsolutePath().normalize();

  private static void assertValid(String schema, String json) {
    SchemaLocation at = SchemaLocation.of(SCHEMA.resolve(schema).toUri().toString());
    assertThat(
            JsonSchemaFactory.getInstance(VersionFlag.V4)
                .getSchema(at)
                .validate(json, InputFormat.JSON))
        .isEmpty();
  }

  @Test
  void whatWePrintFitsTheSchemasOfTheSpec() throws Failure {
    assertValid("features-schema.json", Features.json());
    assertValid("config-schema.json", SpecTemplate.text(false, 0, 0));
    assertValid("config-schema.json", SpecTemplate.text(true, 1000, 1000));
    FakeHost host = new FakeHost(Layout.V2, FakeHost.bundle("hooks"));
    host.kernel.childSays("H", "R");
    assertThat(Create.create(host.environment(), FakeHost.request(null)).terminal()).isFalse();
    assertValid("state-schema.json", StateReport.state(host.environment(), "id"));
  }

  @ParameterizedTest
  @CsvSource({
    "TERM,15",
    "SIGTERM,15",
    "term,15",
    "sigterm,15",
    "15,15",
    "KILL,9",
    "9,9",
    "HUP,1",
    "SYS,31",
    "IO,29",
    "POLL,29",
    "SIGPOLL,29",
    "CHLD,17",
    "USR2,12",
    "WINCH,28",
    "STKFLT,16",
    "RTMIN,34",
    "SIGRTMIN+1,35",
    "RTMIN+30,64",
    "RTMAX,64",
    "RTMAX-30,34",
    "RTMAX-1,63",
    "64,64",
    "34,34",
    "0,0",
    "65,0",
    "-1,0",
    "1x,0",
    "'',0",
    "SIG,0",
    "NONE,0",
    "RTMIN+31,0",
    "RTMAX-31,0",
    "RTMIN-1,0",
    "RTMAX+1,0",
    "RTMIN+,0",
    "RTMINX,0",
    "99999999999999999999,0",
    "T RM,0",
  })
  void signals(String text, int number) {
    assertThat(Signals.number(text)).isEqualTo(number);
  }

  @ParameterizedTest
  @CsvSource({
    "0, 1970-01-01T00:00:00Z",
    "1, 1970-01-01T00:00:00.000000001Z",
    "1750000000100000000, 2025-06-15T15:06:40.1Z",
    "951782400000000000, 2000-02-29T00:00:00Z",
    "4107542399999999999, 2100-02-28T23:59:59.999999999Z",
    "4107542400000000000, 2100-03-01T00:00:00Z",
    "-1000000000, 1969-12-31T23:59:59Z",
  })
  void times(long nanos, String text) {
    assertThat(Timestamp.rfc3339(nanos)).isEqualTo(text);
  }

  @Test
  void timesAsTheJdkReadsThem() {
    Random random = new Random(7);
    for (int i = 0; i < 20_000; i++) {
      long nanos = random.nextLong(Long.MAX_VALUE);
      Instant expected = Instant.ofEpochSecond(nanos / 1_000_000_000L, nanos % 1_000_000_000L);
      assertThat(Instant.parse(Timestamp.rfc3339(nanos))).isEqualTo(expected);
    }
  }

  private static Settings settings(String text) throws Failure {
    FakeHost host = new FakeHost(Layout.V2, "{}");
    host.kernel.file("/etc/coracle/config.toml", text);
    return Settings.read(host.environment());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "[host]\nallow_annotation = true\n",
        "# x\n\n [host] # y\n allow_annotation=true # z",
        "[host]\r\nallow_annotation = true\r\n",
        "[ host ]\nallow_annotation = false\nallow_annotation = true",
      })
  void settingsThatAllow(String text) throws Failure {
    assertThat(settings(text).hostByAnnotation()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "[host]", "[host]\nallow_annotation = false", "# x", "[other]"})
  void settingsThatDoNot(String text) throws Failure {
    assertThat(settings(text).hostByAnnotation()).isFalse();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "allow_annotation = true|:1: unknown setting \"allow_annotation\"",
        "[host];x = true|:2: unknown setting \"x\"",
        "[host];;allow_annotation|:3: must be true or false, not \"\"",
        "[host];allow_annotation = 1|:2: must be true or false, not \"1\"",
        "[host|:1: unknown setting \"[host\"",
        "[vm];kernels = true|:2: must be an absolute path in quotes, not true",
        "[vm];kernels = \"k\"|:2: must be an absolute path in quotes, not \"k\"",
        "[vm];qemu = \"/q|:2: must be an absolute path in quotes, not \"/q",
        "[vm];virtiofsd = \"/a\\\"b\"|:2: must be an absolute path in quotes, not \"/a\\\"b\"",
        "[vm];memory = \"1\"|:2: unknown setting \"memory\"",
      })
  void wrongSettings(String text, String message) {
    assertThatThrownBy(() -> settings(text.replace(';', '\n')))
        .hasMessage("/etc/coracle/config.toml" + message);
  }

  @Test
  void settingsOfVirtualMachines() throws Failure {
    Settings s =
        settings(
            "[vm]\nkernels = \"/k#1\" # x\nqemu = '/q'\n[host]\n[vm]\nvirtiofsd=\"/v\"\ntemplate = true\n"
                + "templates = \"/t\"");
    assertThat(s).isEqualTo(new Settings(false, "/k#1", "/q", "/v", true, "/t"));
  }

  @Test
  void settingsThatCannotBeReadAreAnError() throws Failure {
    FakeHost host = new FakeHost(Layout.V2, "{}");
    assertThat(Settings.read(host.without("/etc/coracle/config.toml").environment()))
        .isEqualTo(new Settings(false, "/var/lib/coracle/kernels", null, null, false, null));
    host.kernel.broken("/x.toml", Errno.EACCES);
    assertThatThrownBy(() -> Settings.read(host.environment("CORACLE_CONFIG=/x.toml")))
        .hasMessageStartingWith("/x.toml: cannot be read: openat2(AT_FDCWD, \"/x.toml\", ")
        .hasMessageEndingWith(": EACCES (permission denied)");
  }

  @Test
  void theHostSandboxMustBeAllowed() {
    String config =
        FakeHost.bundle("minimal")
            .replace("\"root\"", "\"annotations\": {\"dev.coracle.sandbox\": \"host\"}, \"root\"");
    FakeHost host = new FakeHost(Layout.V2, config).without("/etc/coracle/config.toml");
    assertThatThrownBy(() -> Create.plan(host.environment(), FakeHost.request(null)))
        .hasMessageContaining("the host sandbox may not be chosen by an annotation");
    host.kernel.file("/etc/coracle/config.toml", "");
    FakeHost allowed = new FakeHost(Layout.V2, config);
    allowed.kernel.file("/etc/coracle/config.toml", "[host]\nallow_annotation = true\n");
    assertThat(steps(allowed)).noneMatch(s -> s.contains("PivotRoot"));
    FakeHost other = new FakeHost(Layout.V2, config.replace("\"host\"", "\"moon\""));
    assertThatThrownBy(() -> Create.plan(other.environment(), FakeHost.request(null)))
        .hasMessageContaining("unknown sandbox \"moon\"");
  }

  private static List<String> steps(FakeHost host) {
    try {
      return Create.plan(host.environment(), FakeHost.request(null)).steps().stream()
          .map(Object::toString)
          .toList();
    } catch (Failure failure) {
      throw new AssertionError(failure);
    }
  }

  @Test
  void wordsOfPs() {
    String line = "  root \t 42  1 sh -c x  ";
    assertThat(Ps.word(line, 0)).isEqualTo("root");
    assertThat(Ps.word(line, 1)).isEqualTo("42");
    assertThat(Ps.word(line, 5)).isEqualTo("x");
    assertThat(Ps.word(line, 6)).isEmpty();
    assertThat(Ps.word("", 0)).isEmpty();
  }

  @Test
  void tables() {
    Table table = new Table("ID", "A LONG HEADER", "C");
    table.row("a-very-long-id", "x", "the last one is as wide as it is");
    assertThat(table)
        .hasToString(
            "ID               A LONG HEADER   C\n"
                + "a-very-long-id   x               the last one is as wide as it is\n");
  }
}
