package dev.coracle.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coracle.lifecycle.Failure;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ArgumentsTest {
  private static final String FLAGS =
      """
      --bundle, -b=DIR  where it is = there
      --env, -e=NAME=VALUE  a variable
      --all, -a  everything
      --log-format=FORMAT  a format
      --format, -f=FORMAT  another one
      """;

  private static Arguments parse(String... args) throws Failure {
    return Arguments.parse(List.of(args), 0, FLAGS, Arguments.Mode.MIXED);
  }

  @Test
  void formsOfFlags() throws Failure {
    for (String[] form :
        new String[][] {
          {"--bundle", "/x"},
          {"--bundle=/x"},
          {"-bundle", "/x"},
          {"-bundle=/x"},
          {"-b", "/x"},
          {"-b=/x"},
          {"--b=/x"}
        }) {
      assertThat(parse(form).value("bundle")).isEqualTo("/x");
    }
    assertThat(parse("--all").is("all")).isTrue();
    assertThat(parse("-a").is("all")).isTrue();
    assertThat(parse("--all=true").is("all")).isTrue();
    assertThat(parse("--all=false").is("all")).isFalse();
    assertThat(parse().is("all")).isFalse();
  }

  @Test
  void valuesMayHoldAnything() throws Failure {
    assertThat(parse("--env=A=b=c").value("env")).isEqualTo("A=b=c");
    assertThat(parse("-e", "--all").value("env")).isEqualTo("--all");
    assertThat(parse("-e", "").value("env")).isEmpty();
    assertThat(parse("--env=").value("env")).isEmpty();
  }

  @Test
  void namesThatEndAlikeAreOthers() throws Failure {
    assertThat(parse("--log-format=json").value("format")).isNull();
    assertThat(parse("--format=json").value("log-format")).isNull();
    assertThat(parse("-format=json").value("format")).isEqualTo("json");
  }

  @Test
  void theLastValueCounts() throws Failure {
    Arguments a = parse("-e", "A=1", "--env", "B=2", "-e=C=3");
    assertThat(a.value("env")).isEqualTo("C=3");
    assertThat(a.all("env")).containsExactly("A=1", "B=2", "C=3");
    assertThat(a.value("bundle", ".")).isEqualTo(".");
  }

  @Test
  void words() throws Failure {
    assertThat(parse("id", "--all", "9", "-").words()).containsExactly("id", "9", "-");
    assertThat(parse("--", "--all", "-x").words()).containsExactly("--all", "-x");
    List<String> args = List.of("--all", "id", "sh", "--all", "-c");
    Arguments first = Arguments.parse(args, 0, FLAGS, Arguments.Mode.FLAGS_FIRST);
    assertThat(first.words()).containsExactly("id", "sh", "--all", "-c");
    Arguments tolerant =
        Arguments.parse(List.of("--new", "id", "-b", "/x"), 0, FLAGS, Arguments.Mode.TOLERANT);
    assertThat(tolerant.words()).containsExactly("id");
    assertThat(tolerant.value("bundle")).isEqualTo("/x");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--bundel|unknown flag \"--bundel\"; see --help",
        "-x=1|unknown flag \"-x\"; see --help",
        "--undle|unknown flag \"--undle\"; see --help",
        "---all|unknown flag \"---all\"; see --help",
        "--=x|unknown flag \"--\"; see --help",
        "-=x|unknown flag \"-\"; see --help",
        "--DIR|unknown flag \"--DIR\"; see --help",
        "--bundle|flag needs an argument: --bundle",
        "-b|flag needs an argument: -b",
        "--all=yes|flag --all must be true or false, not \"yes\"",
      })
  void wrong(String arg, String message) {
    assertThatThrownBy(() -> parse(arg)).isInstanceOf(Failure.class).hasMessage(message);
  }

  /** What engines call: containerd's go-runc, BuildKit, conmon, Podman, CRI-O and Buildah. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "--root /r/moby --log /b/log.json --log-format json | create --bundle /b --pid-file /b/p"
            + " --console-socket /s --no-pivot --no-new-keyring id",
        "--root /r --log /l --log-format json --systemd-cgroup | start id",
        "--root /r --log /l --log-format json | exec --process /tmp/p --console-socket /s --detach"
            + " --pid-file /b/e.pid id",
        "--root /r --log /l --log-format json | kill --all id 9",
        "--root /r | kill id KILL",
        "--root /r | delete --force id",
        "--root /r | delete id",
        "--root /r | ps --format json id",
        "--root /r | ps --format table id -ef",
        "| features",
        "| --version",
        "--root=/r | list --format=json",
        "--root /r | state id",
        "--log /r/runc-log.json --log-format json | run --bundle /b --no-pivot --keep id",
        "--log /l --log-format json | run -no-subreaper --detach --pid-file /p --bundle /b id",
        "| exec --process /f --pid-file /p id",
        "--log-format=json --log=/l | create --bundle /b --pid-file /p --no-pivot --console-socket"
            + " /s --preserve-fds 3 id",
        "--rootless=auto --debug --log-level debug | exec --pid-file /p --process /s --detach"
            + " --preserve-fds 2 id",
        "| kill name SIGKILL",
        "| exec -t -e A=b -u 1:2 -g 3 -c CAP_KILL --cwd / --no-new-privs id sh -c x",
        "| list -q",
        "| spec --rootless -b /b",
      })
  void commandLinesOfEngines(String line) throws Failure {
    int bar = line.indexOf('|');
    String before = line.substring(0, bar).trim();
    if (!before.isEmpty()) {
      Arguments global = global(before.split(" ", -1));
      assertThat(global.words()).isEmpty();
    }
    String[] verb = line.substring(bar + 1).trim().split(" ", -1);
    if (verb[0].startsWith("-")) {
      assertThat(global(verb).is("version")).isTrue();
      return;
    }
    String flags = Usage.flags(verb[0]);
    assertThat(flags).isNotNull();
    Arguments.Mode mode =
        Usage.takesProgram(verb[0]) ? Arguments.Mode.FLAGS_FIRST : Arguments.Mode.MIXED;
    Arguments a = Arguments.parse(List.of(verb), 1, flags == null ? "" : flags, mode);
    assertThat(a.words()).doesNotContain("--");
    assertThat(a.words().isEmpty()).isEqualTo(!line.contains(" id") && !line.contains(" name"));
  }

  private static Arguments global(String... args) throws Failure {
    return Arguments.parse(List.of(args), 0, Usage.GLOBAL, Arguments.Mode.FLAGS_FIRST);
  }
}
