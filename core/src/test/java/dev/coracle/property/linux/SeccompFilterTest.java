package dev.coracle.property.linux;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.json.Json;
import dev.coracle.json.JsonParser;
import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.plan.Action.InstallSeccomp;
import dev.coracle.plan.Action.Listener;
import dev.coracle.plan.Phase;
import dev.coracle.plan.PlanBuilder;
import dev.coracle.plan.Step;
import dev.coracle.spec.Seccomp;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class SeccompFilterTest {
  private final List<String> problems = new ArrayList<>();

  @Test
  void absentIsNone() throws Exception {
    assertThat(read("{}")).isNull();
    assertThat(read("{'seccomp':null}")).isNull();
    assertThat(problems).isEmpty();
  }

  @Test
  void everythingIsRead() throws Exception {
    Seccomp s =
        read(
            "{'seccomp':{'defaultAction':'SCMP_ACT_ERRNO','defaultErrnoRet':38,"
                + "'architectures':['SCMP_ARCH_X86','SCMP_ARCH_SHEB'],"
                + "'flags':['SECCOMP_FILTER_FLAG_TSYNC','SECCOMP_FILTER_FLAG_LOG'],"
                + "'listenerPath':'/agent','listenerMetadata':'m',"
                + "'syscalls':[{'names':['read','no_such_call'],'action':'SCMP_ACT_TRACE',"
                + "'errnoRet':9,'args':[{'index':5,'value':18446744073709551615,"
                + "'op':'SCMP_CMP_NE'}]}]}}");
    assertThat(problems).isEmpty();
    assertThat(s)
        .isEqualTo(
            new Seccomp(
                "SCMP_ACT_ERRNO",
                38L,
                List.of("SCMP_ARCH_X86", "SCMP_ARCH_SHEB"),
                List.of("SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG"),
                "/agent",
                "m",
                List.of(
                    new Seccomp.Rule(
                        List.of("read", "no_such_call"),
                        "SCMP_ACT_TRACE",
                        9L,
                        List.of(new Seccomp.Arg(5, -1, 0, "SCMP_CMP_NE")),
                        0))));
  }

  @Test
  void specAllowIsTheDefaultOfFlags() throws Exception {
    Seccomp none = Objects.requireNonNull(read("{'seccomp':{'defaultAction':'SCMP_ACT_ALLOW'}}"));
    assertThat(SeccompFilter.flagBits(none.flags())).isEqualTo(4);
    Seccomp empty =
        Objects.requireNonNull(read("{'seccomp':{'defaultAction':'SCMP_ACT_ALLOW','flags':[]}}"));
    assertThat(SeccompFilter.flagBits(empty.flags())).isZero();
    assertThat(
            SeccompFilter.flagBits(List.of("SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_TSYNC")))
        .isEqualTo(3);
    assertThat(SeccompFilter.flagBits(List.of("SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV")))
        .isEqualTo(32);
  }

  @Test
  void allProblemsAreToldWhereTheyAre() throws Exception {
    read(
        "{'seccomp':{'defaultAction':'SCMP_ACT_KILL','defaultErrnoRet':1,"
            + "'listenerMetadata':'m','architectures':['SCMP_ARCH_X86','SCMP_ARCH_Z80'],"
            + "'flags':['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV','X'],"
            + "'syscalls':[{'names':[],'action':'SCMP_ACT_NOTIFY'},"
            + "{'names':['read',''],'action':'ALLOW','errnoRet':1},"
            + "{'action':'SCMP_ACT_ERRNO','errnoRet':4096,"
            + "'args':[{'index':6,'value':-1,'op':'EQ'},{'op':''}]},"
            + "{'names':['read']}]}}");
    String s = "/linux/seccomp/";
    assertThat(problems)
        .containsExactlyInAnyOrder(
            s + "listenerPath: is required by SCMP_ACT_NOTIFY",
            s + "listenerMetadata: must not be given without listenerPath",
            s
                + "defaultErrnoRet: must not be given with SCMP_ACT_KILL, which returns no error"
                + " number",
            s + "architectures/1: unknown seccomp architecture \"SCMP_ARCH_Z80\"",
            s + "flags/1: unknown seccomp flag \"X\"",
            s + "syscalls/0/names: must name at least one system call",
            s + "syscalls/1/names/1: must not be empty",
            s + "syscalls/1/action: unknown seccomp action \"ALLOW\"",
            s + "syscalls/2/names: must name at least one system call",
            s + "syscalls/2/errnoRet: must be from 0 to 4095, not the number 4096",
            s + "syscalls/2/args/0/index: must be from 0 to 5, not the number 6",
            s + "syscalls/2/args/0/value: must not be negative",
            s + "syscalls/2/args/0/op: unknown seccomp operator \"EQ\"",
            s + "syscalls/2/args/1/op: unknown seccomp operator \"\"",
            s + "syscalls/2/args/1/index: is required",
            s + "syscalls/2/args/1/value: is required",
            s + "syscalls/3/action: is required");
  }

  @Test
  void whatCannotBeLeftToAnAgentIsAProblem() throws Exception {
    read(
        "{'seccomp':{'defaultAction':'SCMP_ACT_NOTIFY','listenerPath':'',"
            + "'syscalls':[{'names':['read','write'],'action':'SCMP_ACT_NOTIFY'}]}}");
    read(
        "{'seccomp':{'defaultAction':'SCMP_ACT_ALLOW',"
            + "'flags':['SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'],'syscalls':[]}}");
    read(
        "{'seccomp':{'defaultAction':'SCMP_ACT_ALLOW','listenerPath':'/agent','syscalls':"
            + "[{'names':['mkdir'],'action':'SCMP_ACT_NOTIFY','errnoRet':1}]}}");
    String s = "/linux/seccomp/";
    assertThat(problems)
        .containsExactly(
            s + "defaultAction: must not be SCMP_ACT_NOTIFY, which is for single calls",
            s + "syscalls/0/names/1: SCMP_ACT_NOTIFY cannot be used for the write syscall",
            s + "listenerPath: must not be empty",
            s + "flags/0: SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV needs a rule with SCMP_ACT_NOTIFY",
            s
                + "syscalls/0/errnoRet: must not be given with SCMP_ACT_NOTIFY, which returns no"
                + " error number");
  }

  @Test
  void aListenerIsHandedOnWhileTheRuntimeIsThere() throws Exception {
    Seccomp s =
        Objects.requireNonNull(
            read(
                "{'seccomp':{'defaultAction':'SCMP_ACT_ALLOW','listenerPath':'agent.sock',"
                    + "'listenerMetadata':'m','flags':['SECCOMP_FILTER_FLAG_TSYNC'],'syscalls':"
                    + "[{'names':['mkdir'],'action':'SCMP_ACT_NOTIFY'}]}}"));
    PlanBuilder plan = new PlanBuilder();
    SeccompFilter.plan(s, Phase.CHILD_PROCESS, "/bundle", plan);
    InstallSeccomp step = (InstallSeccomp) plan.build().steps().getFirst().action();
    assertThat(step.listener()).isEqualTo(new Listener("/bundle/agent.sock", "m"));
    assertThat(step.flags()).isEqualTo(1 | 8 | 16);
    // Without a rule that notifies the path is passed over, as the spec has it.
    Seccomp none =
        Objects.requireNonNull(
            read("{'seccomp':{'defaultAction':'SCMP_ACT_ALLOW','listenerPath':'/agent'}}"));
    plan = new PlanBuilder();
    SeccompFilter.plan(none, Phase.CHILD_START, "/bundle", plan);
    step = (InstallSeccomp) plan.build().steps().getFirst().action();
    assertThat(step.listener()).isNull();
    assertThat(step.flags()).isEqualTo(4);
    assertThat(problems).isEmpty();
  }

  @Test
  void aFilterThatTheKernelRefusesIsAProblem() throws Exception {
    StringBuilder rules = new StringBuilder();
    for (int i = 0; i < 1200; i++) {
      rules.append(i == 0 ? "" : ",");
      rules.append("{'names':['read'],'action':'SCMP_ACT_ALLOW','args':[{'index':1,'value':");
      rules.append(i).append(",'op':'SCMP_CMP_EQ'}]}");
    }
    read("{'seccomp':{'defaultAction':'SCMP_ACT_ERRNO','syscalls':[" + rules + "]}}");
    assertThat(problems)
        .singleElement()
        .asString()
        .startsWith("/linux/seccomp: the filter needs ")
        .endsWith(" instructions, more than the 4096 that the kernel takes");
  }

  @Test
  void theStepNamesItsProperty() throws Exception {
    Seccomp s =
        Objects.requireNonNull(read("{'seccomp':{'defaultAction':'SCMP_ACT_ALLOW','flags':[]}}"));
    PlanBuilder plan = new PlanBuilder();
    SeccompFilter.plan(s, Phase.CHILD_START, "/bundle", plan);
    Step step = plan.build().steps().getFirst();
    assertThat(step.phase()).isEqualTo(Phase.CHILD_START);
    assertThat(step.origin()).hasToString("config.json /linux/seccomp");
    assertThat(step.action()).asString().contains(" instructions");
  }

  private @Nullable Seccomp read(String json) throws Exception {
    byte[] bytes = json.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
    Json.Obj linux = (Json.Obj) JsonParser.parse(bytes);
    Members.Sink sink = (at, message) -> problems.add(at + ": " + message);
    return SeccompFilter.read(new Members(linux, Pointer.of("/linux"), sink));
  }
}
