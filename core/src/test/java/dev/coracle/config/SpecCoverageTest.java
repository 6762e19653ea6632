package dev.coracle.config;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coracle.Golden;
import dev.coracle.cgroup.CgroupLayout;
import dev.coracle.cgroup.CgroupPaths;
import dev.coracle.plan.Action;
import dev.coracle.plan.Plan;
import dev.coracle.plan.Step;
import dev.coracle.problem.Problem;
import dev.coracle.problem.Problems;
import dev.coracle.spec.Spec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Walks the runtime-spec's schema: what a property asks for is planned, kept, or refused by name.
 * Nothing is silently dropped.
 */
class SpecCoverageTest {
  private static final JsonMapper JACKSON = new JsonMapper();
  private static final long ALL = -1L;

  // Sections of other platforms, and their properties in common sections. The spec has a runtime
  // ignore what it does not know, and engines for several platforms write what they like there.
  private static final List<String> OTHER_PLATFORMS =
      List.of(
          "/solaris",
          "/windows",
          "/zos",
          "/freebsd",
          "/process/commandLine",
          "/process/user/username");

  /** A config in which every property has something to act on. */
  private static final String BASE =
      """
      {"ociVersion": "1.3.0",
       "root": {"path": "rootfs"},
       "process": {"cwd": "/", "args": ["sh"], "terminal": true},
       "linux": {"namespaces": [{"type": "mount"}, {"type": "uts"}, {"type": "network"}],
                 "resources": {"memory": {"limit": 4000}, "cpu": {"quota": 4000}}}}
      """;

  private static final String DEADLINE =
      "{\"process\": {\"scheduler\": {\"policy\": \"SCHED_DEADLINE\"}}}";

  private static final String ID_MAPPED =
      """
      {"mounts": [{"destination": "/m", "source": "/s", "options": ["bind", "idmap"],
         "uidMappings": [{"containerID": 1, "hostID": 7, "size": 3}],
         "gidMappings": [{"containerID": 1, "hostID": 7, "size": 3}]}]}
      """;

  /** What some properties need beside them for a value to make sense. */
  private static final Map<String, String> BESIDE =
      Map.ofEntries(
          Map.entry(
              "/mounts/0/",
              """
              {"mounts": [{"destination": "/m", "type": "tmpfs", "options": ["ro"]}]}
              """),
          Map.entry(
              "/linux/devices/0/",
              """
              {"linux": {"devices": [{"type": "c", "path": "/dev/x", "major": 1, "minor": 3}]}}
              """),
          Map.entry(
              "/linux/resources/devices/0/",
              """
              {"linux": {"resources": {"devices":
                 [{"allow": true, "type": "c", "major": 9, "minor": 3, "access": "rw"}]}}}
              """),
          Map.entry(
              "/process/scheduler/priority",
              "{\"process\": {\"scheduler\": {\"policy\": \"SCHED_RR\"}}}"),
          Map.entry(
              "/linux/personality/flags/",
              "{\"linux\": {\"personality\": {\"domain\": \"LINUX\"}}}"),
          Map.entry("/process/scheduler/runtime", DEADLINE),
          Map.entry("/process/scheduler/deadline", DEADLINE),
          Map.entry("/process/scheduler/period", DEADLINE),
          Map.entry(
              "/linux/memoryPolicy/",
              """
              {"linux": {"memoryPolicy": {"mode": "MPOL_BIND", "nodes": "2"}}}
              """),
          Map.entry("/mounts/0/gidMappings/", ID_MAPPED),
          Map.entry("/mounts/0/uidMappings/", ID_MAPPED),
          Map.entry(
              "/linux/mountLabel",
              "{\"mounts\": [{\"destination\": \"/m\", \"type\": \"tmpfs\"}]}"),
          Map.entry(
              "/linux/resources/blockIO/throttleReadBpsDevice/0/",
              beside("throttleReadBpsDevice", "\"rate\": 7")),
          Map.entry(
              "/linux/resources/blockIO/throttleWriteBpsDevice/0/",
              beside("throttleWriteBpsDevice", "\"rate\": 7")),
          Map.entry(
              "/linux/resources/blockIO/throttleReadIOPSDevice/0/",
              beside("throttleReadIOPSDevice", "\"rate\": 7")),
          Map.entry(
              "/linux/resources/blockIO/throttleWriteIOPSDevice/0/",
              beside("throttleWriteIOPSDevice", "\"rate\": 7")),
          Map.entry(
              "/linux/resources/blockIO/weightDevice/0/", beside("weightDevice", "\"weight\": 77")),
          Map.entry(
              "/linux/seccomp/",
              """
              {"linux": {"seccomp": {"defaultAction": "SCMP_ACT_ERRNO", "listenerPath": "/agent", "syscalls": [
             {"names": ["read"], "action": "SCMP_ACT_ERRNO", "errnoRet": 7,
              "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_MASKED_EQ"}]},
             {"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}]}}}
          """));

  /** A list of block devices with one in it. */
  private static String beside(String list, String value) {
    String device = "{\"major\": 8, \"minor\": 0, " + value + "}";
    return "{\"linux\": {\"resources\": {\"blockIO\": {\"" + list + "\": [" + device + "]}}}}";
  }

  /** What reading and planning made of a config. */
  record Outcome(Spec spec, List<String> plans, List<String> problems, List<Step> steps) {}

  static Outcome outcome(JsonNode config) {
    byte[] json = config.toString().getBytes(UTF_8);
    Problems problems = new Problems();
    Spec spec = requireNonNull(ConfigReader.read(json, 0, json.length, ALL, problems));
    List<String> plans = new ArrayList<>();
    List<Step> steps = new ArrayList<>();
    for (CgroupLayout layout : List.of(Layouts.V1, Layouts.V2)) {
      if (!problems.hasErrors()) {
        Problems planning = new Problems();
        CgroupPaths paths = CgroupPaths.of(layout, spec.linux().cgroupsPath(), "id");
        Planner.Target target = new Planner.Target("/bundle", "id", paths, true, "_ses.id");
        Plan plan = Planner.plan(spec, new Host(layout, ALL), target, planning);
        steps.addAll(plan.steps());
        plans.add(text(plan));
        plans.add(planning.all().toString());
      }
    }
    if (problems.hasErrors()) {
      CgroupPaths paths = CgroupPaths.of(Layouts.V1, null, "id");
      Planner.Target target = new Planner.Target("/bundle", "id", paths, true, "_ses.id");
      Planner.findMore(spec, new Host(Layouts.V1, ALL), target, problems);
    }
    List<String> texts = new ArrayList<>();
    for (Problem p : problems.all()) {
      texts.add(p.toString());
    }
    return new Outcome(spec, plans, texts, steps);
  }

  private static String text(Plan plan) {
    StringBuilder out = new StringBuilder();
    for (Step step : plan.steps()) {
      out.append(step).append('\n');
      if (step.action() instanceof Action.InstallSeccomp a) {
        out.append(Arrays.toString(a.filter().bytes()));
      } else if (step.action() instanceof Action.AttachDeviceProgram a) {
        out.append(Arrays.toString(a.program().bytes()));
      }
    }
    return out.toString();
  }

  static ObjectNode config(Schema.Property property) throws IOException {
    ObjectNode config = (ObjectNode) JACKSON.readTree(BASE);
    merge(config, property.frame(), false);
    // Sorted: what a longer pointer needs takes the place of what a shorter one does.
    for (Map.Entry<String, String> e : new TreeMap<>(BESIDE).entrySet()) {
      if (property.pointer().startsWith(e.getKey())) {
        merge(config, (ObjectNode) JACKSON.readTree(e.getValue()), true);
      }
    }
    return config;
  }

  /** Adds what is needed beside a property. */
  private static void merge(ObjectNode into, ObjectNode from, boolean overwrite) {
    for (Map.Entry<String, JsonNode> e : from.properties()) {
      JsonNode there = into.get(e.getKey());
      if (there instanceof ObjectNode o && e.getValue() instanceof ObjectNode more) {
        merge(o, more, overwrite);
      } else if (overwrite || there == null || there.isArray()) {
        into.set(e.getKey(), e.getValue().deepCopy());
      }
    }
  }

  private static String verdict(Schema.Property property) throws IOException {
    String best = "DROPPED";
    for (JsonNode value : property.values()) {
      ObjectNode without = config(property);
      Schema.remove(without, property.path());
      ObjectNode with = config(property);
      Schema.put(with, property.path(), value);
      String one = verdict(property, outcome(without), outcome(with));
      if (rank(one) > rank(best)) {
        best = one;
      }
    }
    return best;
  }

  private static int rank(String verdict) {
    return List.of(
            "DROPPED", "checked", "for another sandbox", "not yet supported", "kept", "planned")
        .indexOf(verdict);
  }

  private static String verdict(Schema.Property property, Outcome without, Outcome with) {
    boolean named = false;
    for (String problem : with.problems()) {
      if (names(problem, property.path())) {
        if (problem.endsWith("not yet supported")) {
          return "not yet supported";
        }
        if (problem.endsWith("not for a container")) {
          return "for another sandbox";
        }
        named |= !without.problems().contains(problem);
      }
    }
    if (named) {
      return "checked";
    }
    if (!with.problems().isEmpty()) {
      return "DROPPED";
    }
    if (!without.plans().isEmpty() && !without.plans().equals(with.plans())
        || without.plans().isEmpty()) {
      return "planned";
    }
    return with.spec().equals(without.spec()) ? "DROPPED" : "kept";
  }

  /** Whether a problem is at the property or at something that holds it. */
  private static boolean names(String problem, List<String> path) {
    for (int n = 1; n <= path.size(); n++) {
      String at = "config.json /" + String.join("/", path.subList(0, n)) + ": ";
      if (problem.startsWith(at)) {
        return true;
      }
    }
    return false;
  }

  @Test
  void everyPropertyOfTheSpecIsPlannedKeptOrRefused() throws IOException {
    Map<String, String> verdicts = new TreeMap<>();
    for (Schema.Property property : Schema.properties()) {
      if (!isOfOtherPlatform(property.pointer())) {
        verdicts.put(property.pointer(), verdict(property));
      }
    }
    assertThat(verdicts).hasSizeGreaterThan(150);
    StringBuilder out = new StringBuilder();
    verdicts.forEach((pointer, verdict) -> out.append(pointer + "  " + verdict + "\n"));
    Golden.check("properties.txt", out.toString());
    assertThat(verdicts).as("properties that are silently dropped").doesNotContainValue("DROPPED");
  }

  static boolean isOfOtherPlatform(String pointer) {
    for (String other : OTHER_PLATFORMS) {
      if (pointer.equals(other) || pointer.startsWith(other + "/")) {
        return true;
      }
    }
    return false;
  }

  @Test
  void everyWordOfTheSpecIsKnown() throws IOException {
    for (Schema.Property property : Schema.properties()) {
      for (JsonNode value : property.values()) {
        if (!isOfOtherPlatform(property.pointer()) && property.pointer().startsWith("/linux")) {
          ObjectNode with = config(property);
          Schema.put(with, property.path(), value);
          assertThat(outcome(with).problems())
              .as(property.pointer() + " " + value)
              .noneMatch(p -> p.contains("unknown") && p.contains(value.asText()) && isWord(value));
        }
      }
    }
  }

  private static boolean isWord(JsonNode value) {
    return value.isTextual() && value.asText().length() > 3 && !value.asText().startsWith("RLIMIT");
  }

  @Test
  void everyPropertyOfAnotherTypeIsRefusedByName() throws IOException {
    for (Schema.Property property : Schema.properties()) {
      if (isOfOtherPlatform(property.pointer())) {
        continue;
      }
      JsonNode other =
          property.values().get(0).isTextual()
              ? JACKSON.readTree("[7]")
              : JACKSON.readTree("\"text\"");
      ObjectNode with = config(property);
      Schema.put(with, property.path(), other);
      List<String> problems = outcome(with).problems();
      assertThat(problems)
          .as(property.pointer())
          .anyMatch(p -> names(p, property.path()))
          // What planning finds is told too: the frame need not have every namespace.
          .filteredOn(p -> !p.contains("; add {\"type\":"))
          .as(property.pointer() + ": one mistake, one problem")
          .hasSize(1);
    }
  }

  @Test
  void goodFixturesHaveNoProblemsButUnsupportedProperties() throws IOException {
    for (Path file : fixtures("good")) {
      for (String problem : outcome(JACKSON.readTree(Files.readString(file))).problems()) {
        assertThat(problem)
            .as(file.toString())
            // The example was never brought up to version 1, and a runtime must refuse its version.
            // And what it asks for at useHierarchy no kernel can give any more.
            .matches("(?s).*(not yet supported|\"0.5.0-dev\".*|useHierarchy: cannot be false.*)");
      }
    }
  }

  @Test
  void badFixturesForLinuxHaveProblems() throws IOException {
    for (Path file : fixtures("bad")) {
      byte[] json = Files.readAllBytes(file);
      Problems problems = new Problems();
      Spec spec = ConfigReader.read(json, 0, json.length, ALL, problems);
      assertThat(problems.hasErrors() || spec == null).as(file.toString()).isTrue();
    }
  }

  private static List<Path> fixtures(String kind) throws IOException {
    try (Stream<Path> all = Files.list(Schema.DIRECTORY.resolve("test/config/" + kind))) {
      // Those of other platforms are no business of a runtime for Linux.
      return all.filter(p -> !p.getFileName().toString().startsWith("freebsd"))
          .filter(p -> !p.getFileName().toString().startsWith("zos"))
          .sorted()
          .toList();
    }
  }
}
