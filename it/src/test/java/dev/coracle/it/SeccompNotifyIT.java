package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.Result;
import dev.coracle.it.harness.SeccompAgent;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** SCMP_ACT_NOTIFY: system calls that an agent answers. */
@ContainerTest
class SeccompNotifyIT {
  private static final int SYS_MKDIR = 83;
  private static final int EXDEV = 18;

  private static JsonObject notify(Path agent, String... names) {
    return Json.object(
        "defaultAction",
        "SCMP_ACT_ALLOW",
        "listenerPath",
        agent.toString(),
        "listenerMetadata",
        "what only the \"agent\" knows",
        "syscalls",
        List.of(Json.object("names", List.of(names), "action", "SCMP_ACT_NOTIFY")));
  }

  private static Bundle mkdir(Testbed bed, SeccompAgent agent) {
    Bundle bundle = bed.bundle().probe("syscall", "" + SYS_MKDIR, "0");
    return bundle.set("/linux/seccomp", notify(agent.path(), "mkdir"));
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void theAgentsErrorIsTheCalls(boolean noNewPrivileges, Testbed bed) {
    try (SeccompAgent agent = SeccompAgent.failing(bed, EXDEV)) {
      Bundle bundle = mkdir(bed, agent).set("/process/noNewPrivileges", noNewPrivileges);
      assertThat(bed.outputOf(bundle)).isEqualTo("-1 EXDEV");
    }
  }

  @Test
  void theAgentsValueIsTheCalls(Testbed bed) {
    try (SeccompAgent agent = SeccompAgent.returning(bed, 7)) {
      assertThat(bed.outputOf(mkdir(bed, agent))).isEqualTo("7 OK");
    }
  }

  @Unsupported(runtime = "crun", reason = "1.8.1 sends the state without annotations")
  @Test
  void theAgentIsToldWhoAsks(Testbed bed) {
    try (SeccompAgent agent = SeccompAgent.failing(bed, EXDEV)) {
      Bundle bundle = bed.bundle().lasting().set("/annotations", Json.object("a", "b"));
      bundle.set("/linux/seccomp", notify(agent.path(), "mkdir"));
      try (Container c = bed.create(bundle)) {
        JsonObject told = agent.states().getFirst();
        assertThat(told.get("fds").toString()).isEqualTo("[\"seccompFd\"]");
        assertThat(told.get("pid").getAsInt()).isEqualTo(c.pid());
        assertThat(told.get("metadata").getAsString()).isEqualTo("what only the \"agent\" knows");
        JsonObject state = told.getAsJsonObject("state");
        assertThat(state.get("id").getAsString()).isEqualTo(c.id());
        assertThat(state.get("status").getAsString()).isEqualTo("creating");
        assertThat(state.get("pid").getAsInt()).isEqualTo(c.pid());
        assertThat(state.get("bundle").getAsString()).isEqualTo(bundle.directory().toString());
        assertThat(state.get("annotations").toString()).isEqualTo("{\"a\":\"b\"}");
      }
    }
  }

  @Unsupported(runtime = "crun", reason = "1.8.1 does not tell the container's pid")
  @Test
  void execHasAListenerOfItsOwn(Testbed bed) {
    try (SeccompAgent agent = SeccompAgent.failing(bed, EXDEV)) {
      Bundle bundle = bed.bundle().lasting().addProbe();
      bundle.set("/linux/seccomp", notify(agent.path(), "mkdir"));
      try (Container c = bed.start(bundle)) {
        Result executed = c.exec("/bin/probe", "syscall", "" + SYS_MKDIR, "0");
        assertThat(executed.ok().line()).isEqualTo("-1 EXDEV");
        assertThat(agent.states()).hasSize(2);
        JsonObject told = agent.states().get(1);
        assertThat(told.get("pid").getAsInt()).isNotEqualTo(c.pid());
        JsonObject state = told.getAsJsonObject("state");
        assertThat(state.get("status").getAsString()).isEqualTo("running");
        assertThat(state.get("pid").getAsInt()).isEqualTo(c.pid());
      }
    }
  }

  @Unsupported(runtime = "runc", reason = "1.1.5 does not support flags")
  @Unsupported(runtime = "crun", reason = "1.8.1 does not know this flag")
  @Test
  void theFlagForAgentsIsTaken(Testbed bed) {
    try (SeccompAgent agent = SeccompAgent.failing(bed, EXDEV)) {
      JsonObject seccomp = notify(agent.path(), "mkdir");
      JsonArray flags = new JsonArray();
      flags.add("SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV");
      flags.add("SECCOMP_FILTER_FLAG_TSYNC");
      seccomp.add("flags", flags);
      Bundle bundle = bed.bundle().probe("syscall", "" + SYS_MKDIR, "0");
      assertThat(bed.outputOf(bundle.set("/linux/seccomp", seccomp))).isEqualTo("-1 EXDEV");
    }
  }

  /** A second copy would keep calls waiting for ever when the agent ends. */
  @Unsupported(runtime = "crun", reason = "1.8.1 keeps a copy while it is parked")
  @Test
  void onlyTheAgentHasTheListener(Testbed bed) throws IOException {
    try (SeccompAgent agent = SeccompAgent.failing(bed, EXDEV)) {
      Bundle bundle = mkdir(bed, agent);
      try (Container c = bed.create(bundle)) {
        assertThat(descriptors(c.pid())).noneMatch(d -> d.contains("seccomp"));
        agent.end();
        c.start();
        assertThat(c.awaitExit()).isZero();
        c.awaitOutput("-1 ENOSYS");
      }
    }
  }

  private static List<String> descriptors(int pid) throws IOException {
    List<String> out = new ArrayList<>();
    try (Stream<Path> all = Files.list(Path.of("/proc/" + pid + "/fd"))) {
      for (Path fd : all.toList()) {
        out.add(Files.readSymbolicLink(fd).toString());
      }
    }
    assertThat(out).hasSizeGreaterThan(2);
    return out;
  }

  @Test
  void aMissingAgentIsAnError(Testbed bed) {
    Path nowhere = bed.directory().resolve("nobody.sock");
    Bundle bundle = bed.bundle().set("/linux/seccomp", notify(nowhere, "mkdir"));
    Result failed = bed.createCommand(bundle).execute().fails();
    if (bed.runtime().isCoracle()) {
      assertThat(failed.stderr())
          .contains(
              "config.json /linux/seccomp: cannot ", "failed to connect with seccomp agent at \"")
          .contains("nobody.sock")
          .contains("ENOENT");
    }
  }

  @Unsupported(runtime = "crun", reason = "1.8.1 connects whether it has a listener or not")
  @Test
  void aPathThatNobodyNeedsIsPassedOver(Testbed bed) {
    JsonObject seccomp = Json.object("defaultAction", "SCMP_ACT_ALLOW", "listenerPath", "/nowhere");
    bed.run(bed.bundle().set("/linux/seccomp", seccomp)).ok();
  }

  @Unsupported(runtime = "crun", reason = "1.8.1 lets the container wait for ever")
  @Test
  void whatCannotBeLeftToAnAgentIsAnError(Testbed bed) {
    try (SeccompAgent agent = SeccompAgent.failing(bed, EXDEV)) {
      JsonObject byDefault = notify(agent.path(), "mkdir");
      byDefault.addProperty("defaultAction", "SCMP_ACT_NOTIFY");
      bed.run(bed.bundle().set("/linux/seccomp", byDefault)).fails();
      bed.run(bed.bundle().set("/linux/seccomp", notify(agent.path(), "write"))).fails();
      JsonObject nobody = notify(agent.path(), "mkdir");
      nobody.remove("listenerPath");
      nobody.remove("listenerMetadata");
      bed.run(bed.bundle().set("/linux/seccomp", nobody)).fails();
    }
  }
}
