package dev.coracle.config;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.cgroup.CgroupPaths;
import dev.coracle.plan.Action;
import dev.coracle.plan.Phase;
import dev.coracle.plan.Plan;
import dev.coracle.plan.Step;
import dev.coracle.problem.Problems;
import dev.coracle.spec.Spec;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The ways into namespaces: with root and without, new ones and ones that are joined. */
class NamespacePlanTest {
  private static final Host ROOT = new Host(Layouts.V2, (1L << 41) - 1);
  private static final Host USER = new Host(Layouts.V2, 0, 1000, 1000);
  private static final String OWN = "[{'containerID':0,'hostID':1000,'size':1}]";
  private static final String RANGE =
      "[{'containerID':0,'hostID':1000,'size':1},{'containerID':1,'hostID':100000,'size':9}]";

  private final Problems problems = new Problems();

  private Plan plan(Host host, String namespaces, String more) {
    String text =
        "{'ociVersion':'1.2.0','root':{'path':'r'},'process':{'cwd':'/','args':['a']"
            + (more.startsWith("G") ? ",'user':{'additionalGids':[5]}" : "")
            + "},'linux':{'namespaces':["
            + namespaces
            + "]"
            + more.replace("G", "")
            + "}}";
    byte[] json = text.replace('\'', '"').getBytes(UTF_8);
    Spec spec =
        requireNonNull(ConfigReader.read(json, 0, json.length, host.capabilities(), problems));
    CgroupPaths paths = CgroupPaths.of(Layouts.V2, null, "id");
    return Planner.plan(spec, host, new Planner.Target("id", "/b", paths, true, null), problems);
  }

  private static String maps(String map) {
    return ",'uidMappings':" + map + ",'gidMappings':" + map;
  }

  private static List<String> names(Plan plan, Phase... phases) {
    List<String> out = new ArrayList<>();
    for (Step step : plan.steps()) {
      if (List.of(phases).contains(step.phase())) {
        out.add(step.action().getClass().getSimpleName());
      }
    }
    return out;
  }

  @Test
  void aPlanWithoutAUserNamespaceHasNothingOfIt() {
    Plan plan = plan(ROOT, "{'type':'mount'},{'type':'pid'}", "");
    assertThat(names(plan, Phase.PARENT_AFTER_CLONE)).isEmpty();
    assertThat(names(plan, Phase.values())).doesNotContain("AwaitRuntime", "BecomeRoot");
  }

  @Test
  void mountsWithoutANamespaceOfTheirOwnAreMadeInTheOneThatThereIs() {
    String masked = ",'maskedPaths':['/m']";
    Plan none = plan(ROOT, "{'type':'pid'}", masked);
    assertThat(names(none, Phase.PARENT_BEFORE)).endsWith("AttachRoot");
    assertThat(none.toString()).contains("AttachRoot[path=id/r, shared=true]");
    Plan joined = plan(ROOT, "{'type':'mount','path':'/m'}", masked);
    assertThat(names(joined, Phase.CHILD_SETUP)).containsSubsequence("JoinNamespace", "AttachRoot");
    for (Plan plan : List.of(none, joined)) {
      assertThat(names(plan, Phase.CHILD_AFTER_PIVOT)).contains("MaskPath");
      assertThat(names(plan, Phase.values())).doesNotContain("PivotRoot", "IsolateMounts");
      assertThat(plan.toString()).contains("ChangeRoot[path=id/r, attached=true]");
    }
    Plan nothing = plan(ROOT, "{'type':'pid'}", "");
    assertThat(names(nothing, Phase.values())).doesNotContain("AttachRoot");
    assertThat(nothing.toString()).contains("ChangeRoot[path=id/r, attached=false]");
    assertThat(problems.all()).isEmpty();
  }

  @Test
  void aMountNamespaceIsJoinedBesideAUserNamespace() {
    Plan plan = plan(ROOT, "{'type':'user','path':'/u'},{'type':'mount','path':'/m'}", "");
    assertThat(plan.toString()).contains("JoinNamespace[namespace=Namespace[type=MOUNT, path=/m");
    assertThat(problems.all()).isEmpty();
  }

  @Test
  void rootMapsAndOpensMounts() {
    Plan plan = plan(ROOT, "{'type':'mount'},{'type':'user'}", maps(RANGE));
    assertThat(names(plan, Phase.PARENT_AFTER_CLONE))
        .containsExactly("WriteUidMap", "WriteGidMap", "OpenTree");
    assertThat(names(plan, Phase.CHILD_SETUP)).startsWith("AwaitRuntime", "BecomeRoot");
    assertThat(plan.toString()).contains("writer=RUNTIME]");
  }

  @Test
  void aUserMapsTheOwnIdAloneOrAsksTheHelpers() {
    Plan own = plan(USER, "{'type':'mount'},{'type':'user'}", maps(OWN));
    assertThat(own.toString()).contains("writer=RUNTIME_WITHOUT_GROUPS]");
    assertThat(names(own, Phase.PARENT_AFTER_CLONE)).containsExactly("WriteUidMap", "WriteGidMap");
    Plan range = plan(USER, "{'type':'mount'},{'type':'user'}", maps(RANGE));
    assertThat(range.toString()).contains("writer=HELPER]");
    assertThat(problems.all()).isEmpty();
  }

  @Test
  void aUserWithTheOwnGroupAloneHasNoOthers() {
    plan(USER, "{'type':'mount'},{'type':'user'}", "G" + maps(OWN));
    assertThat(problems.errorText())
        .contains("/process/user/additionalGids/0: 5 is not mapped")
        .contains("/process/user/additionalGids: cannot be set");
  }

  @Test
  void aUserNeedsAUserNamespace() {
    plan(USER, "{'type':'mount'}", "");
    assertThat(problems.errorText()).contains("/linux/namespaces: need a user namespace");
  }

  @Test
  void aJoinedUserNamespaceTakesASecondProcessForANewPidNamespaceOnly() {
    String joined = "{'type':'user','path':'/u'},{'type':'network','path':'/n'},{'type':'mount'}";
    Plan without = plan(ROOT, joined, "");
    assertThat(names(without, Phase.CHILD_SETUP))
        .startsWith("JoinNamespace", "JoinNamespace", "BecomeRoot", "Unshare", "AwaitRuntime");
    Plan with = plan(ROOT, joined + ",{'type':'pid'}", "");
    assertThat(names(with, Phase.CHILD_SETUP)).contains("CloneAgain").doesNotContain("Unshare");
    assertThat(problems.all()).isEmpty();
  }

  /** Whoever has no privileges gets them in the user namespace, and root loses its own there. */
  @Test
  void theUserNamespaceIsJoinedFirstWithoutPrivilegesAndLastWithThem() {
    String joined = "{'type':'network','path':'/n'},{'type':'user','path':'/u'},{'type':'mount'}";
    assertThat(joins(plan(ROOT, joined, ""))).containsExactly("NETWORK", "USER");
    assertThat(joins(plan(USER, joined, ""))).containsExactly("USER", "NETWORK");
  }

  private static List<String> joins(Plan plan) {
    List<String> out = new ArrayList<>();
    for (Step step : plan.in(Phase.CHILD_SETUP)) {
      if (step.action() instanceof Action.JoinNamespace join) {
        out.add(join.namespace().type().name());
      }
    }
    return out;
  }

  @Test
  void offsetsAreSetBeforeTheClone() {
    String offsets = ",'timeOffsets':{'boottime':{'secs':5}}";
    Plan plan = plan(ROOT, "{'type':'mount'},{'type':'time'}", offsets);
    assertThat(names(plan, Phase.PARENT_BEFORE)).endsWith("MakeTimeNamespace");
    assertThat(names(plan, Phase.PARENT_AFTER_CLONE)).containsExactly("ReturnToNamespace");
    assertThat(plan.toString()).contains("offsets=boottime 5 0\n");
    Plan ofUser =
        plan(USER, "{'type':'mount'},{'type':'user'},{'type':'time'}", maps(OWN) + offsets);
    assertThat(names(ofUser, Phase.CHILD_SETUP))
        .startsWith("AwaitRuntime", "BecomeRoot", "MakeTimeNamespace", "CloneAgain");
  }
}
