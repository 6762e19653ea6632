package dev.coracle.lifecycle;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.coracle.config.ConfigReader;
import dev.coracle.problem.Problem;
import dev.coracle.problem.Problems;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/**
 * What {@code features} says against what the reader of config.json takes: a word that is taken and
 * not told, or told and not taken, fails. The words are those of the spec's schema, and of its
 * table of mount options.
 */
class FeaturesTest {
  private static final JsonMapper JACKSON = new JsonMapper();
  private static final Path SCHEMA = Path.of("../core/src/test/resources/runtime-spec-1.3/schema");

  // config.md, "Linux mount options", runtime-spec 1.3.0.
  private static final String MOUNT_OPTIONS =
      "async atime bind defaults dev diratime dirsync exec iversion lazytime loud noatime nodev"
          + " nodiratime noexec noiversion nolazytime norelatime nostrictatime nosuid private rbind"
          + " relatime remount ro rprivate rshared rslave runbindable rw shared silent slave"
          + " strictatime suid sync unbindable nosymfollow symfollow ratime rdev rdiratime rexec"
          + " rnoatime rnodiratime rnoexec rnodev rnorelatime rnostrictatime rnosuid rnosymfollow"
          + " rrelatime rro rrw rstrictatime rsuid rsymfollow mand nomand tmpcopyup";

  private static JsonNode features() throws IOException {
    return JACKSON.readTree(Features.json());
  }

  private static Set<String> told(String pointer) throws IOException {
    Set<String> out = new TreeSet<>();
    for (JsonNode word : features().at(pointer)) {
      out.add(word.asText());
    }
    return out;
  }

  private static List<String> words(String definition) throws IOException {
    JsonNode node =
        JACKSON
            .readTree(Files.readString(SCHEMA.resolve("defs-linux.json")))
            .at("/definitions/" + definition + "/enum");
    List<String> out = new ArrayList<>();
    node.forEach(word -> out.add(word.asText()));
    assertThat(out).as(definition).isNotEmpty();
    return out;
  }

  /** Whether the reader has nothing against a config; {@code '} stands for {@code "}. */
  private static boolean takes(String members) {
    byte[] json = ("{'ociVersion': '1.3.0', " + members + "}").replace('\'', '"').getBytes(UTF_8);
    Problems problems = new Problems();
    if (ConfigReader.read(json, 0, json.length, -1L, problems) == null) {
      return false;
    }
    for (Problem problem : problems.all()) {
      if (problem.severity() == Problem.Severity.ERROR || problem.message().contains("unknown")) {
        return false;
      }
    }
    return true;
  }

  /** Compares what is told with those of some words that the reader takes. */
  private static void compare(String pointer, List<String> words, String before, String after)
      throws IOException {
    Set<String> taken = new TreeSet<>();
    for (String word : words) {
      if (takes(before + word + after)) {
        taken.add(word);
      }
    }
    assertThat(told(pointer)).as(pointer).isEqualTo(taken);
  }

  @Test
  void mountOptions() throws IOException {
    List<String> words = new ArrayList<>(Arrays.asList(MOUNT_OPTIONS.split(" ")));
    words.remove("remount");
    compareMountOptions(words);
  }

  private static void compareMountOptions(List<String> words) throws IOException {
    Set<String> taken = new TreeSet<>(Set.of("remount"));
    for (String word : words) {
      if (takes(
          "'mounts': [{'destination': '/a', 'source': '/b', 'options': ['bind', '"
              + word
              + "']}]")) {
        taken.add(word);
      } else if (takes(
          "'mounts': [{'destination': '/a', 'type': 'tmpfs', 'options': ['" + word + "']}]")) {
        taken.add(word);
      }
    }
    Set<String> told = told("/mountOptions");
    // They are told of by mountExtensions, and by their own test.
    told.removeAll(Set.of("idmap", "ridmap"));
    assertThat(told).isEqualTo(taken);
  }

  @Test
  void idmap() throws IOException {
    boolean told = features().at("/linux/mountExtensions/idmap/enabled").asBoolean();
    String mappings = "[{'containerID': 0, 'hostID': 1000, 'size': 1}]";
    for (String option : List.of("idmap", "ridmap")) {
      boolean taken =
          takes(
              "'mounts': [{'destination': '/a', 'source': '/b', 'options': ['bind', '"
                  + option
                  + "'], 'uidMappings': "
                  + mappings
                  + ", 'gidMappings': "
                  + mappings
                  + "}]");
      assertThat(taken).as(option).isEqualTo(told);
      assertThat(told("/mountOptions").contains(option)).as(option).isEqualTo(told);
    }
  }

  @Test
  void namespaces() throws IOException {
    compare(
        "/linux/namespaces",
        words("NamespaceType"),
        "'linux': {'namespaces': [{'type': '",
        "', 'path': '/x'}]}");
  }

  @Test
  void hooks() throws IOException {
    compare(
        "/hooks",
        List.of(
            "prestart",
            "createRuntime",
            "createContainer",
            "startContainer",
            "poststart",
            "poststop"),
        "'hooks': {'",
        "': [{'path': '/x'}]}");
  }

  @Test
  void capabilities() throws IOException {
    assertThat(told("/linux/capabilities")).hasSize(41);
    for (String name : told("/linux/capabilities")) {
      assertThat(
              takes(
                  "'process': {'cwd': '/', 'args': ['a'], 'capabilities': {'bounding': ['"
                      + name
                      + "']}}"))
          .as(name)
          .isTrue();
    }
  }

  @Test
  void seccomp() throws IOException {
    assertThat(features().at("/linux/seccomp/enabled").asBoolean()).isTrue();
    // SCMP_ACT_NOTIFY is nothing without somebody who listens.
    String before = "'linux': {'seccomp': {'listenerPath': '/l', 'defaultAction': ";
    String notify = ", {'names': ['mkdir'], 'action': 'SCMP_ACT_NOTIFY'}";
    compare(
        "/linux/seccomp/actions",
        words("SeccompAction"),
        before + "'SCMP_ACT_ALLOW', 'syscalls': [{'names': ['read'], 'action': '",
        "'}" + notify + "]}}");
    compare(
        "/linux/seccomp/operators",
        words("SeccompOperators"),
        before
            + "'SCMP_ACT_ALLOW', 'syscalls': [{'names': ['read'], 'action': 'SCMP_ACT_ERRNO',"
            + " 'args': [{'index': 0, 'value': 1, 'op': '",
        "'}]}" + notify + "]}}");
    assertThat(told("/linux/seccomp/knownFlags")).isEqualTo(new TreeSet<>(words("SeccompFlag")));
    compare(
        "/linux/seccomp/supportedFlags",
        words("SeccompFlag"),
        before
            + "'SCMP_ACT_ALLOW', 'syscalls': [{'names': ['mkdir'], 'action': 'SCMP_ACT_NOTIFY'}],"
            + " 'flags': ['",
        "']}}");
  }

  @Test
  void memoryPolicy() throws IOException {
    Set<String> modes = new TreeSet<>();
    for (String mode : words("MemoryPolicyMode")) {
      if (takes("'linux': {'memoryPolicy': {'mode': '" + mode + "', 'nodes': '0'}}")
          || takes("'linux': {'memoryPolicy': {'mode': '" + mode + "', 'nodes': ''}}")) {
        modes.add(mode);
      }
    }
    assertThat(told("/linux/memoryPolicy/modes")).isEqualTo(modes).hasSize(7);
    compare(
        "/linux/memoryPolicy/flags",
        words("MemoryPolicyFlag"),
        "'linux': {'memoryPolicy': {'mode': 'MPOL_BIND', 'nodes': '0', 'flags': ['",
        "']}}");
  }

  private static void enabled(String pointer, String members) throws IOException {
    assertThat(features().at(pointer).isBoolean()).as(pointer).isTrue();
    assertThat(features().at(pointer).asBoolean()).as(pointer).isEqualTo(takes(members));
  }

  @Test
  void sections() throws IOException {
    String process = "'process': {'cwd': '/', 'args': ['a'], ";
    enabled("/linux/apparmor/enabled", process + "'apparmorProfile': 'x'}");
    enabled("/linux/selinux/enabled", process + "'selinuxLabel': 'x'}");
    enabled("/linux/intelRdt/enabled", "'linux': {'intelRdt': {'closID': 'x'}}");
    enabled("/linux/intelRdt/schemata", "'linux': {'intelRdt': {'schemata': ['L3:0=f']}}");
    enabled("/linux/intelRdt/monitoring", "'linux': {'intelRdt': {'enableMonitoring': true}}");
    enabled("/linux/netDevices/enabled", "'linux': {'netDevices': {'eth0': {}}}");
    enabled(
        "/linux/cgroup/rdma",
        "'linux': {'resources': {'rdma': {'mlx5': {'hcaHandles': 1, 'hcaObjects': 1}}}}");
    enabled("/linux/cgroup/systemd", "'linux': {'cgroupsPath': 'system.slice:coracle:id'}");
    assertThat(features().at("/linux/cgroup/v1").asBoolean()).isTrue();
    assertThat(features().at("/linux/cgroup/v2").asBoolean()).isTrue();
  }

  @Test
  void theVersionsAndTheAnnotationsOfEngines() throws IOException {
    assertThat(features().at("/ociVersionMin").asText()).isEqualTo("1.0.0");
    assertThat(features().at("/ociVersionMax").asText()).isEqualTo("1.3.0");
    assertThat(features().at("/annotations").properties())
        .extracting(java.util.Map.Entry::getKey)
        .contains("dev.coracle.version", "org.opencontainers.runc.checkpoint.enabled");
    assertThat(told("/potentiallyUnsafeConfigAnnotations")).contains("dev.coracle.sandbox");
  }
}
