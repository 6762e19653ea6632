package dev.coracle.config;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import dev.coracle.problem.Problem;
import dev.coracle.problem.Problems;
import dev.coracle.spec.CompiledSeccomp;
import dev.coracle.spec.Spec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What each property's class says of a wrong value: where, and in which words. */
class ConfigReaderTest {
  @Test
  void aKnownFilterIsTakenWhereItStandsAndNowhereElse() {
    CompiledSeccomp filter = new CompiledSeccomp(new byte[8], 4);
    String profile = "{'defaultAction':'SCMP_ACT_ALLOW'}";
    String right =
        "{'ociVersion':'1.0.0','linux':{'seccomp':" + profile + ",'rootfsPropagation':'shared'}}";
    Spec spec = withKnown(right, profile, filter);
    assertThat(spec.linux().seccomp()).isSameAs(filter);
    assertThat(spec.linux().rootfsPropagation()).isEqualTo("shared");
    // A part that is another property's is read, and so is the filter.
    String wrong =
        "{'ociVersion':'1.0.0','annotations':{'seccomp':" + profile + "},'linux':{'seccomp':{}}}";
    Problems problems = new Problems();
    byte[] json = wrong.replace('\'', '"').getBytes(UTF_8);
    int from = wrong.indexOf(profile);
    KnownFilter known = new KnownFilter(from, from + profile.length(), filter);
    assertThat(ConfigReader.read(json, 0, json.length, ALL, known, problems)).isNotNull();
    assertThat(problems.errorText())
        .contains("/annotations/seccomp: must be a string")
        .contains("/linux/seccomp/defaultAction: is required");
  }

  private static Spec withKnown(String config, String part, CompiledSeccomp filter) {
    Problems problems = new Problems();
    byte[] json = config.replace('\'', '"').getBytes(UTF_8);
    int from = config.indexOf(part);
    KnownFilter known = new KnownFilter(from, from + part.length(), filter);
    Spec spec = ConfigReader.read(json, 0, json.length, ALL, known, problems);
    assertThat(problems.all()).isEmpty();
    return requireNonNull(spec);
  }

  private static final long ALL = (1L << 41) - 1;
  private final Problems problems = new Problems();

  private @Nullable Spec read(String json) {
    byte[] bytes = json.replace('\'', '"').getBytes(UTF_8);
    return ConfigReader.read(bytes, 0, bytes.length, ALL, problems);
  }

  private List<String> texts() {
    List<String> out = new ArrayList<>();
    for (Problem p : problems.all()) {
      out.add((p.severity() == Problem.Severity.WARNING ? "warning: " : "") + p);
    }
    return out;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "'root': {}|/root/path: is required",
        "'root': {'path': ''}|/root/path: must not be empty",
        "'root': {'path': 'a\\u0000b'}|/root/path: must not hold a NUL character",
        "'root': []|/root: must be an object, not an array",
        "'root': {'path': 'r', 'readonly': 'yes'}|/root/readonly: must be a boolean, not a string",
        "'hostname': 7|/hostname: must be a string, not the number 7",
        "'mounts': {}|/mounts: must be an array, not an object",
        "'mounts': [7]|/mounts/0: must be an object, not the number 7",
        "'mounts': [{'type': 'tmpfs'}]|/mounts/0/destination: is required",
        "'mounts': [{'destination': '/a'}]"
            + "|/mounts/0/type: is required for a mount that is no bind mount",
        "'mounts': [{'destination': '/a', 'type': 'bind'}]"
            + "|/mounts/0/source: is required for a bind mount",
        "'mounts': [{'destination': '/a', 'type': 'tmpfs', 'options': ['rnoexce']}]"
            + "|/mounts/0/options/0: unknown mount option \"rnoexce\"",
        "'mounts': [{'destination': '/a', 'type': 'tmpfs', 'options': ['ro', 'nodv']}]"
            + "|/mounts/0/options/1: unknown mount option \"nodv\"; did you mean \"nodev\"?",
        "'mounts': [{'destination': '/a', 'source': '/b', 'options': ['bind', 'size=1']}]"
            + "|/mounts/0/options/1: unknown mount option \"size=1\""
            + " (a bind mount takes no options of a filesystem)",
        "'mounts': [{'destination': '/proc/1', 'type': 'tmpfs'}]"
            + "|/mounts/0/destination: \"/proc/1\" is inside /proc, which must not be covered",
        "'mounts': [{'destination': '/x/../proc', 'type': 'tmpfs'}]"
            + "|/mounts/0/destination: \"/proc\" may be covered by a mount of type proc only",
        "'hooks': {'poststop': [{'path': 'rel'}]}"
            + "|/hooks/poststop/0/path: must be absolute, not \"rel\"",
        "'hooks': {'prestart': [{'path': '/x', 'timeout': 0}]}"
            + "|/hooks/prestart/0/timeout: must be from 1 to 2147483, not the number 0",
        "'annotations': {'': 'x'}|/annotations/: a key must not be empty",
        "'annotations': {'a/b~c': 1}" + "|/annotations/a~1b~0c: must be a string, not the number 1",
        "'vm': {'kernel': {'path': 'k'}}|/vm/kernel/path: must be absolute, not \"k\"",
      })
  void top(String member, String problem) {
    assertThat(read("{'ociVersion': '1.0.0', " + member + "}")).isNotNull();
    assertThat(texts()).containsExactly("config.json " + problem);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "'2.0.0'|\"2.0.0\" is not supported; versions 1.0.0 to 1.3.0 are",
        "'0.9.9'|\"0.9.9\" is not supported; versions 1.0.0 to 1.3.0 are",
        "'1.0'|\"1.0\" is not a version as SemVer has it",
        "'1'|\"1\" is not a version as SemVer has it",
        "'1.x.0'|\"1.x.0\" is not a version as SemVer has it",
        "'v1.0.0'|\"v1.0.0\" is not a version as SemVer has it",
        "1|must be a string, not the number 1",
        "null|is required",
      })
  void ociVersion(String version, String problem) {
    assertThat(read("{'ociVersion': " + version + "}")).isNotNull();
    assertThat(texts()).containsExactly("config.json /ociVersion: " + problem);
  }

  @ParameterizedTest
  @CsvSource({"1.0.0", "1.0.0-rc5", "1.0.2-dev", "1.3.0", "1.99.0", "1.2.3+build.5"})
  void goodVersions(String version) {
    assertThat(read("{'ociVersion': '" + version + "'}")).isNotNull();
    assertThat(texts()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "'cwd': ''|/cwd: must be absolute, not \"\"",
        "'cwd': 'a'|/cwd: must be absolute, not \"a\"",
        "'args': []|/args: must not be empty",
        "'args': ['']|/args/0: must not be empty",
        "'args': [5, '']|/args/0: must be a string, not the number 5;/args/1: must not be empty",
        "'args': 'sh'|/args: must be an array, not a string",
        "'args': null|/args: is required",
        "'env': ['A']|/env/0: must be NAME=value, not \"A\"",
        "'env': ['=x']|/env/0: must be NAME=value, not \"=x\"",
        "'env': [1, 'A']|/env/0: must be a string, not the number 1"
            + ";/env/1: must be NAME=value, not \"A\"",
        "'terminal': 1|/terminal: must be a boolean, not the number 1",
        "'consoleSize': {'height': 65536}"
            + "|/consoleSize/height: must be from 0 to 65535, not the number 65536",
        "'user': {'uid': -1}|/user/uid: must be from 0 to 4294967294, not the number -1",
        "'user': {'gid': 4294967295}"
            + "|/user/gid: must be from 0 to 4294967294, not the number 4294967295",
        "'user': {'umask': 512}|/user/umask: must be from 0 to 511, not the number 512",
        "'user': {'additionalGids': [1, 'x']}|/user/additionalGids/1: must be a whole number"
            + " from 0 to 4294967294, not a string",
        "'oomScoreAdj': 1001|/oomScoreAdj: must be from -1000 to 1000, not the number 1001",
        "'oomScoreAdj': 1.0|/oomScoreAdj: must be a whole number, not the number 1.0",
        "'noNewPrivileges': 'true'|/noNewPrivileges: must be a boolean, not a string",
        "'rlimits': [{'type': 'RLIMIT_X', 'soft': 1, 'hard': 1}]"
            + "|/rlimits/0/type: unknown resource limit \"RLIMIT_X\"",
        "'rlimits': [{'type': 'NOFILE', 'soft': 1, 'hard': 1}]"
            + "|/rlimits/0/type: unknown resource limit \"NOFILE\"",
        "'rlimits': [{'type': 'RLIMIT_AS', 'soft': 2, 'hard': 1}]"
            + "|/rlimits/0/soft: must not be above the hard limit",
        "'rlimits': [{'type': 'RLIMIT_AS', 'hard': 1}]|/rlimits/0/soft: is required",
        "'rlimits': [{'type': 'RLIMIT_AS', 'soft': -1, 'hard': 1}]"
            + "|/rlimits/0/soft: must not be negative",
        "'capabilities': {'bounding': 'CAP_CHOWN'}"
            + "|/capabilities/bounding: must be an array, not a string",
        "'apparmorProfile': 7|/apparmorProfile: must be a string, not the number 7",
        "'scheduler': {'policy': 'FIFO'}"
            + "|/scheduler/policy: unknown scheduling policy \"FIFO\"",
      })
  void process(String member, String expected) {
    String base = "'cwd': '/', 'args': ['sh'], ";
    String key = member.substring(0, member.indexOf(':'));
    String without = base.replaceAll(key + ": [^,]*, ", "");
    assertThat(read("{'ociVersion': '1.0.0', 'process': {" + without + member + "}}")).isNotNull();
    List<String> all = new ArrayList<>();
    for (String one : expected.substring(1).split(";/", -1)) {
      all.add("config.json /process/" + one);
    }
    assertThat(texts()).containsExactlyElementsOf(all);
  }

  @Test
  void rlimitsStandOnce() {
    String limit = "{'type': 'RLIMIT_AS', 'soft': 1, 'hard': 18446744073709551615}";
    read(
        "{'ociVersion': '1.0.0', 'process': {'cwd': '/', 'args': ['a'], 'rlimits': ["
            + (limit + "," + limit)
            + "]}}");
    assertThat(texts())
        .containsExactly("config.json /process/rlimits/1/type: \"RLIMIT_AS\" stands twice");
  }

  @Test
  void capabilitiesThatCannotBeGrantedAreWarnings() {
    byte[] json =
        "{'ociVersion':'1.0.0','process':{'cwd':'/','args':['a'],'capabilities':"
            .concat("{'bounding':['CAP_CHOWN','CAP_SYS_ADMIN','CHOWN','CAP_']}}}")
            .replace('\'', '"')
            .getBytes(UTF_8);
    Spec spec = ConfigReader.read(json, 0, json.length, 1, problems);
    assertThat(spec).isNotNull();
    assertThat(problems.hasErrors()).isFalse();
    assertThat(texts())
        .containsExactly(
            "warning: config.json /process/capabilities/bounding/1: \"CAP_SYS_ADMIN\" cannot be"
                + " granted and is left out",
            "warning: config.json /process/capabilities/bounding/2: unknown capability \"CHOWN\" is"
                + " left out",
            "warning: config.json /process/capabilities/bounding/3: unknown capability \"CAP_\" is"
                + " left out");
  }

  @Test
  void ambientCapabilitiesMustBePermittedAndInheritable() {
    byte[] json =
        "{'ociVersion':'1.0.0','process':{'cwd':'/','args':['a'],'capabilities':"
            .concat(
                "{'permitted':['CAP_CHOWN','CAP_KILL'],'inheritable':['CAP_KILL','CAP_SETUID'],")
            .concat("'ambient':['CAP_CHOWN','CAP_KILL','CAP_SETUID']}}}")
            .replace('\'', '"')
            .getBytes(UTF_8);
    Spec spec = requireNonNull(ConfigReader.read(json, 0, json.length, ALL, problems));
    assertThat(problems.hasErrors()).isFalse();
    assertThat(requireNonNull(requireNonNull(spec.process()).capabilities()).ambient())
        .isEqualTo(1L << 5);
    assertThat(texts())
        .containsExactly(
            "warning: config.json /process/capabilities/ambient/0: can't raise ambient capability"
                + " CAP_CHOWN: it is not both permitted and inheritable",
            "warning: config.json /process/capabilities/ambient/2: can't raise ambient capability"
                + " CAP_SETUID: it is not both permitted and inheritable");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "'namespaces': [{'type': 'x'}]|/namespaces/0/type: unknown namespace type \"x\"",
        "'namespaces': [{}]|/namespaces/0/type: is required",
        "'namespaces': [{'type': 'pid'}, {'type': 'pid'}]"
            + "|/namespaces/1/type: \"pid\" stands twice",
        "'namespaces': [{'type': 'pid', 'path': 'a'}]"
            + "|/namespaces/0/path: must be absolute, not \"a\"",
        "'devices': [{'path': 'x', 'type': 'p'}]|/devices/0/path: must be absolute, not \"x\"",
        "'devices': [{'path': '/x', 'type': 'q'}]"
            + "|/devices/0/type: must be b, c, u or p, not \"q\"",
        "'devices': [{'path': '/x', 'type': 'c', 'major': 1}]|/devices/0/minor: is required",
        "'devices': [{'path': '/x', 'type': 'p', 'fileMode': 4096}]"
            + "|/devices/0/fileMode: must be from 0 to 4095, not the number 4096",
        "'cgroupsPath': '/a/../b'|/cgroupsPath: must not hold \"..\": \"/a/../b\"",
        "'maskedPaths': ['/a', 'b']|/maskedPaths/1: must be absolute, not \"b\"",
        "'readonlyPaths': [3, 'b']|/readonlyPaths/0: must be a string, not the number 3"
            + ";/readonlyPaths/1: must be absolute, not \"b\"",
        "'rootfsPropagation': 'x'"
            + "|/rootfsPropagation: must be shared, slave, private or unbindable, not \"x\"",
        "'sysctl': {'a..b': '1'}|/sysctl/a..b: is not the name of a kernel parameter",
        "'sysctl': {'net.x': 1}|/sysctl/net.x: must be a string, not the number 1",
        "'resources': {'unified': {'a': 'b'}}|/resources/unified/a: must be a controller, a dot, and the"
            + " name of a parameter",
        "'uidMappings': [{}]|/uidMappings/0/containerID: is required"
            + ";/uidMappings/0/hostID: is required;/uidMappings/0/size: is required",
        "'gidMappings': [{'containerID': 0, 'hostID': 5, 'size': 0}]"
            + "|/gidMappings/0/size: must be from 1 to 4294967295, not the number 0",
        "'uidMappings': [{'containerID': 1, 'hostID': 0, 'size': 4294967295}]"
            + "|/uidMappings/0/size: goes beyond the last id, 4294967294",
        "'uidMappings': [{'containerID': 0, 'hostID': 10, 'size': 10},"
            + " {'containerID': 9, 'hostID': 30, 'size': 1}]"
            + "|/uidMappings/1/containerID: overlaps with the ids of another entry",
        "'uidMappings': [{'containerID': 0, 'hostID': 10, 'size': 10},"
            + " {'containerID': 10, 'hostID': 19, 'size': 1}]"
            + "|/uidMappings/1/hostID: overlaps with the ids of another entry",
        "'timeOffsets': {'realtime': {'secs': 1}}"
            + "|/timeOffsets/realtime: unknown clock; there are monotonic and boottime",
        "'timeOffsets': {'monotonic': {'nanosecs': 1000000000}}"
            + "|/timeOffsets/monotonic/nanosecs: must be from 0 to 999999999,"
            + " not the number 1000000000",
      })
  void linux(String member, String expected) {
    assertThat(read("{'ociVersion': '1.0.0', 'linux': {" + member + "}}")).isNotNull();
    List<String> all = new ArrayList<>();
    for (String one : expected.substring(1).split(";/", -1)) {
      all.add("config.json /linux/" + one);
    }
    assertThat(texts()).containsExactlyElementsOf(all);
  }

  @Test
  void whatAsksForNothingIsNoProblem() {
    read(
        "{'ociVersion': '1.0.0', 'vm': {}, 'hostname': '', 'unknown': 1, 'process': {'cwd': '/',"
            + " 'args': ['a'], 'apparmorProfile': '', 'scheduler': null}, 'linux':"
            + " {'uidMappings': [], 'intelRdt': {}, 'resources': {'network': {}, 'blockIO':"
            + " {'weight': 0}, 'unified': null}, 'rootfsPropagation': '', 'cgroupsPath': ''}}");
    assertThat(texts()).isEmpty();
  }

  @Test
  void allProblemsAtOnce() {
    read(
        "{'ociVersion': '3.0.0', 'root': {}, 'process': {'args': [], 'rlimits': [{}]}, 'linux':"
            + " {'namespaces': [{'type': 'x'}], 'maskedPaths': ['m'], 'personality': {'domain':"
            + " 'BSD'}}, 'mounts': [{}]}");
    assertThat(texts())
        .containsExactlyInAnyOrder(
            "config.json /ociVersion: \"3.0.0\" is not supported; versions 1.0.0 to 1.3.0 are",
            "config.json /root/path: is required",
            "config.json /process/cwd: is required",
            "config.json /process/args: must not be empty",
            "config.json /process/rlimits/0/type: is required",
            "config.json /process/rlimits/0/soft: is required",
            "config.json /process/rlimits/0/hard: is required",
            "config.json /linux/namespaces/0/type: unknown namespace type \"x\"",
            "config.json /linux/maskedPaths/0: must be absolute, not \"m\"",
            "config.json /linux/personality/domain: must be LINUX or LINUX32, not \"BSD\"",
            "config.json /mounts/0/destination: is required",
            "config.json /mounts/0/type: is required for a mount that is no bind mount");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{'a': }|config.json : not valid JSON at line 1, column 7: unexpected character",
        "[]|config.json : must be an object, not an array",
        "``|config.json : not valid JSON at line 1, column 1: unexpected end of JSON",
      })
  void noObject(String json, String problem) {
    assertThat(read(json)).isNull();
    assertThat(texts()).containsExactly(problem);
  }

  @Test
  void ofManyVariablesTheLastOnesCountToo() {
    StringBuilder env = new StringBuilder("'A=1', 'B=2', ");
    for (int i = 0; i < 100; i++) {
      env.append("'X=").append(i).append("', ");
    }
    Spec spec =
        read(
            "{'ociVersion': '1.0.0', 'process': {'cwd': '/', 'args': ['a'], 'env':"
                + (" [" + env + "'A=3']}}"));
    assertThat(requireNonNull(requireNonNull(spec).process()).env())
        .containsExactly("B=2", "X=99", "A=3");
  }

  /** A bundle of the largest size must be refused, or read, before its sender loses interest. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "'annotations': {#'k%d': ''#}",
        "'linux': {'sysctl': {#'net.k%d': ''#}}",
        "'process': {'cwd': '/', 'args': ['a'], 'env': [#'K%d=v'#]}",
        "'process': {'cwd': '/', 'args': ['a'], 'rlimits': [#{'type':'RLIMIT_AS'}#]}",
        "'process': {'cwd': '/', 'args': ['a'], 'rlimits': [#{'type':'RLIMIT_%d'}#]}",
        "'linux': {'namespaces': [#{'type':'pid'}#]}",
        "'mounts': [{'destination': '/a', 'type': 'proc', 'options': [#'o%d'#]}]",
        "'mounts': [#{'destination': '/m%d', 'type': 'tmpfs'}#]",
        "'linux': {'devices': [#{'path': '/m%d', 'type': 'p'}#]}",
        "'linux': {'maskedPaths': [#'m%d'#]}",
      })
  void manyOfAKindAreNotQuadratic(String member) {
    String[] parts = member.split("#", -1);
    StringBuilder text = new StringBuilder("{'ociVersion': '1.0.0', ").append(parts[0]);
    for (int i = 0; i < 150_000; i++) {
      text.append(i == 0 ? "" : ",").append(parts[1].replace("%d", Integer.toString(i)));
    }
    String json = text.append(parts[2]).append('}').toString();
    assertTimeoutPreemptively(Duration.ofSeconds(60), () -> assertThat(read(json)).isNotNull());
  }

  @Test
  void laterVariablesReplaceEarlierOnes() {
    Spec spec =
        read(
            "{'ociVersion': '1.0.0', 'process': {'cwd': '/', 'args': ['a'], 'env':"
                + " ['A=1', 'B=2', 'A=3', 'AB=']}}");
    assertThat(requireNonNull(requireNonNull(spec).process()).env())
        .containsExactly("B=2", "A=3", "AB=");
  }
}
