package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Cgroups;
import dev.coracle.it.harness.Command;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.NeedsController;
import dev.coracle.it.harness.Poll;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

@Unsupported(runtime = "crun", reason = "has no verb events")
@ContainerTest
class EventsIT {
  private static JsonObject statistics(Testbed bed, Container c) {
    JsonObject event = bed.oci("events", "--stats", c.id()).execute().ok().json().getAsJsonObject();
    assertThat(event.get("type").getAsString()).isEqualTo("stats");
    assertThat(event.get("id").getAsString()).isEqualTo(c.id());
    return event.getAsJsonObject("data");
  }

  @Test
  void theShapeIsThatOfRunc(Testbed bed) {
    try (Container c = bed.start(bed.bundle().lasting())) {
      JsonObject data = statistics(bed, c);
      for (String key : "cpu cpuset memory pids blkio hugetlb intel_rdt".split(" ", -1)) {
        assertThat(data.get(key).isJsonObject()).as(key).isTrue();
      }
      assertThat(data.has("network_interfaces")).isTrue();
      for (String pointer :
          "/cpu/usage/kernel /cpu/usage/user /memory/usage/limit /memory/usage/failcnt /memory/swap"
              .split(" ", -1)) {
        assertThat(Json.get(data, pointer)).as(pointer).isNotNull();
      }
    }
  }

  @Test
  @NeedsController("pids")
  void pidsAreCounted(Testbed bed) {
    Bundle bundle = bed.bundle().sh("sleep 100 & sleep 101 & echo ready; wait");
    bundle.set("/linux/resources/pids/limit", 77);
    try (Container c = bed.start(bundle).awaitOutput("ready")) {
      JsonObject pids = statistics(bed, c).getAsJsonObject("pids");
      assertThat(pids.get("current").getAsInt()).isEqualTo(3);
      assertThat(pids.get("limit").getAsInt()).isEqualTo(77);
    }
  }

  @Test
  @NeedsController("memory")
  void memoryIsCounted(Testbed bed) {
    Bundle bundle = bed.bundle().probe("hold-mib", "8");
    bundle.set("/linux/resources/memory/limit", 64L << 20);
    try (Container c = bed.start(bundle).awaitOutput("held")) {
      JsonObject memory = statistics(bed, c).getAsJsonObject("memory");
      assertThat(Json.get(memory, "/usage/limit").getAsLong()).isEqualTo(64L << 20);
      assertThat(Json.get(memory, "/usage/usage").getAsLong()).isBetween(8L << 20, 20L << 20);
      assertThat(memory.getAsJsonObject("raw").size()).isGreaterThan(5);
    }
  }

  @Test
  @NeedsController("cpu")
  void cpuTimeIsInNanoseconds(Testbed bed) {
    Bundle bundle =
        bed.bundle().sh("i=0; while [ $i -lt 50000 ]; do i=$((i+1)); done; echo done; sleep 100");
    try (Container c = bed.start(bundle).awaitOutput("done")) {
      assertThat(Json.get(statistics(bed, c), "/cpu/usage/total").getAsLong())
          .isBetween(1_000_000L, 60_000_000_000L);
    }
  }

  @Test
  void linesComeUntilTheContainerStops(Testbed bed) {
    try (Container c = bed.start(bed.bundle().lasting())) {
      Command.Running events = bed.oci("events", "--interval", "100ms", c.id()).start();
      Poll.until("two lines", () -> events.stdout().lines().count() >= 2);
      assertThat(events.isRunning()).isTrue();
      c.kill("KILL").ok();
      c.awaitExit();
      if (bed.runtime().isCoracle()) {
        assertThat(events.end().ok().stdout().lines())
            .allMatch(line -> line.startsWith("{\"type\":\"stats\",\"id\":\"" + c.id() + "\""));
      } else {
        c.delete("--force").ok(); // runc sees the end of the cgroup only
        events.end();
      }
    }
  }

  @Test
  @NeedsController("memory")
  void outOfMemoryIsTold(Testbed bed) {
    Bundle bundle = bed.bundle().lasting().addProbe();
    bundle.set("/linux/resources/memory/limit", 24L << 20);
    try (Container c = bed.start(bundle)) {
      Command.Running events = bed.oci("events", "--interval", "200ms", c.id()).start();
      Poll.until("a line", () -> !events.stdout().isEmpty());
      c.exec("/bin/probe", "touch-mib", "100").exitsWith(137);
      Poll.until(
          "an OOM event",
          () -> events.stdout().contains("{\"type\":\"oom\",\"id\":\"" + c.id() + "\"}\n"));
      c.kill("KILL").ok();
      c.awaitExit();
      c.delete("--force").ok();
      events.end();
    }
  }

  @Test
  @CoracleOnly("nothing is ever freed, so nothing may be taken")
  void memoryDoesNotGrow(Testbed bed) {
    try (Container c = bed.start(bed.bundle().lasting())) {
      Command.Running events = bed.oci("events", "--interval", "1ms", c.id()).start();
      Poll.until("100 lines", () -> events.stdout().lines().count() >= 100);
      String before = resident(events);
      Poll.until("500 lines", () -> events.stdout().lines().count() >= 500);
      assertThat(resident(events)).isEqualTo(before);
      c.kill("KILL").ok();
      c.awaitExit();
      events.end().ok();
    }
  }

  private static String resident(Command.Running process) {
    return Cgroups.read(Path.of("/proc/" + process.pid() + "/status"))
        .lines()
        .filter(line -> line.startsWith("RssAnon"))
        .findFirst()
        .orElseThrow();
  }

  @Test
  @CoracleOnly("runc's words depend on its log's format")
  void whatHasStoppedOrIsNoTimeIsRefused(Testbed bed) {
    try (Container c = bed.start(bed.bundle().args("true"))) {
      c.awaitExit();
      assertThat(bed.oci("events", c.id()).execute().fails().error()).contains("is not running");
    }
    try (Container c = bed.create(bed.bundle())) {
      assertThat(bed.oci("events", "--interval", "0s", c.id()).execute().fails().error())
          .contains("--interval must be a time like 5s");
      assertThat(statistics(bed, c).getAsJsonObject("pids").get("current").getAsInt()).isOne();
    }
  }
}
