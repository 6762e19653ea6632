package dev.coracle.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.RecordingKernel;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whole command lines on the recording kernel: what is printed, logged, and the exit code. */
class CliTest {
  private final RecordingKernel k =
      new RecordingKernel().cwd("/here").environment(List.of("_CORACLE_SEALED=0"));

  private int run(String line) {
    return Cli.run(k, "/usr/bin/coracle", List.of(line.split(" ", -1)), "c0ffee");
  }

  private JsonNode log(String path) throws IOException {
    return JsonMapper.builder()
        .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
        .build()
        .readTree(k.file(path));
  }

  @Test
  void version() {
    assertThat(run("--version")).isZero();
    assertThat(k.file("stdout")).isEqualTo("coracle version 0.1.0\ncommit: c0ffee\nspec: 1.3.0\n");
    assertThat(k.file("stderr")).isEmpty();
  }

  @Test
  void help() {
    assertThat(run("--help")).isZero();
    assertThat(k.file("stdout"))
        .startsWith("NAME:\n   coracle - Open Container Initiative runtime\n")
        .contains("Usage: coracle [FLAG...] VERB [FLAG...] [ARG...]\n")
        .contains("  create ID ", "  --root=DIR ", "  plan ");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "create",
        "start",
        "run",
        "state",
        "kill",
        "delete",
        "list",
        "exec",
        "ps",
        "spec",
        "features",
        "plan"
      })
  void helpOfAVerb(String verb) {
    assertThat(run(verb + " --help")).isZero();
    assertThat(k.file("stdout"))
        .startsWith("NAME:\n   coracle " + verb + " - ")
        .contains("\n\nUsage: coracle [FLAG...] " + verb);
    assertThat(k.calls()).allMatch(c -> c.startsWith("write(1, "));
    for (String line : k.file("stdout").split("\n", -1)) {
      assertThat(line.length()).as(line).isLessThanOrEqualTo(110);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "frobnicate|1|unknown verb \"frobnicate\"; see --help",
        "teleport x|1|unknown verb \"teleport\"; see --help",
        "start|1|start needs a container id; see start --help",
        "start a b|1|start: too many arguments; see start --help",
        "kill a b c|1|kill: too many arguments; see kill --help",
        "--frob start a|1|unknown flag \"--frob\"; see --help",
        "start --frob a|1|unknown flag \"--frob\"; see --help",
        "--log-format xml state a|1|--log-format must be text or json, not \"xml\"",
        "--root / state a|1|--root must not be the root directory",
        "list --format xml|1|--format must be table or json, not \"xml\"",
        "create --preserve-fds x a|1|--preserve-fds must be a number, not \"x\"",
        "create --preserve-fds -1 a|1|--preserve-fds must be a number, not \"-1\"",
        "exec --frob a|255|unknown flag \"--frob\"; see --help",
        "exec -g x a sh|255|--additional-gids must be a gid in digits, not \"x\"",
        "exec --env A a sh|255|container \"a\" does not exist",
        "state .a|1|container id \".a\" may hold letters, digits, _, +, - and . only",
        "state a|1|container \"a\" does not exist",
      })
  void errors(String line, int code, String message) {
    k.broken("/run/coracle/a/state.json", Errno.ENOENT);
    assertThat(run(line)).isEqualTo(code);
    assertThat(k.file("stderr")).isEqualTo(message + "\n");
    assertThat(k.file("stdout")).isEmpty();
    assertThat(k.made()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "create --bundle /b a|1|runc create failed: bundle \"/b\": cannot be",
        "run --bundle /b a|1|runc run failed: bundle \"/b\": cannot be",
        "exec a sh|255|exec failed: container \"a\" does not exist",
        "start a|1|container \"a\" does not exist",
        "kill a|1|container \"a\" does not exist",
        "create|1|create needs a container id; see create --help",
        "run --frob a|1|unknown flag \"--frob\"; see --help",
      })
  void calledByTheNameRuncItSaysRuncsWordsFirst(String line, int code, String message)
      throws IOException {
    k.broken("/run/coracle/a/state.json", Errno.ENOENT).broken("/b", Errno.ENOENT);
    List<String> args = List.of(("--log /log --log-format json " + line).split(" ", -1));
    assertThat(Cli.run(k, "/usr/bin/runc", args, "c0ffee")).isEqualTo(code);
    assertThat(k.file("stderr")).startsWith(message);
    assertThat(log("/log").get("msg").textValue()).startsWith(message);
  }

  @Test
  void theLogIsOneObjectWithATime() throws IOException {
    k.broken("/run/coracle/a/state.json", Errno.ENOENT)
        .answers("clock_gettime", 1750000000987654321L);
    assertThat(run("--log /log.json --log-format json state a")).isEqualTo(1);
    JsonNode log = log("/log.json");
    assertThat(log.get("level").textValue()).isEqualTo("error");
    assertThat(log.get("msg").textValue()).isEqualTo("container \"a\" does not exist");
    assertThat(Instant.parse(log.get("time").textValue()))
        .isEqualTo(Instant.ofEpochSecond(1750000000));
    assertThat(k.file("stderr")).isEqualTo("container \"a\" does not exist\n");
  }

  @Test
  void theLogAsText() {
    k.broken("/run/coracle/a/state.json", Errno.ENOENT);
    assertThat(run("--log /log state a")).isEqualTo(1);
    assertThat(k.file("/log"))
        .isEqualTo(
            "time=\"1970-01-01T00:00:00Z\" level=error"
                + " msg=\"container \\\"a\\\" does not exist\"\n");
  }

  @Test
  void aRelativeLogIsTheCallersNotTheBundles() throws IOException {
    k.broken("/here/b", Errno.ENOENT).broken("b", Errno.ENOENT);
    assertThat(run("--log log.json --log-format json create --bundle b a")).isEqualTo(1);
    assertThat(log("/here/log.json").get("msg").textValue()).startsWith("bundle \"b\": cannot be");
  }

  @Test
  void aLogThatCannotBeWrittenIsTold() {
    k.broken("/run/coracle/a/state.json", Errno.ENOENT).broken("/log", Errno.EACCES);
    assertThat(run("--log /log state a")).isEqualTo(1);
    assertThat(k.file("stderr"))
        .isEqualTo(
            """
            container "a" does not exist
            log file "/log": openat2(AT_FDCWD, "/log", O_WRONLY|O_CREAT|O_APPEND|O_CLOEXEC, 0644, 0): EACCES (permission denied)
            """);
  }

  @Test
  void featuresAreNothingButJson() throws IOException {
    assertThat(run("features")).isZero();
    assertThat(log("stdout").get("ociVersionMax").textValue()).isEqualTo("1.3.0");
    assertThat(k.calls()).allMatch(c -> c.startsWith("write(1, "));
  }

  @Test
  void rootsByDefault() {
    k.answers("geteuid", 1000).environment(List.of("XDG_RUNTIME_DIR=/run/user/1000"));
    assertThat(run("list -q")).isZero();
    assertThat(k.calls()).anyMatch(c -> c.contains("\"/run/user/1000/coracle\""));
    RecordingKernel other = new RecordingKernel();
    assertThat(Cli.run(other, "runproc", List.of("list", "-q"), "")).isZero();
    assertThat(other.calls()).anyMatch(c -> c.contains("\"/run/runproc\""));
  }
}
