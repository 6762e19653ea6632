package dev.coracle.property.linux.resources;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class UnifiedTest {

  @Test
  void isWrittenAsItIsAndLast() {
    Planned plan =
        Planned.of(
            Planned.V2,
            "{'unified':{'pids.max':'9','cgroup.max.depth':'3','hugetlb.1GB.max':''},"
                + "'pids':{'limit':7}}");
    assertThat(plan.errors()).isEmpty();
    assertThat(plan.writes())
        .containsExactly(
            "/pids/limit: write \"7\" to \"pids.max\"",
            "/unified/pids.max: write \"9\" to \"pids.max\"",
            "/unified/cgroup.max.depth: write \"3\" to \"cgroup.max.depth\"",
            "/unified/hugetlb.1GB.max: write \"\" to \"hugetlb.1GB.max\"");
  }

  @Test
  void severalLinesAreSeveralWrites() {
    assertThat(
            Planned.of(Planned.V2, "{'unified':{'io.max':'8:0 rbps=1\\n8:1 rbps=2\\n'}}").writes())
        .containsExactly("/unified/io.max: write [8:0 rbps=1, 8:1 rbps=2] to \"io.max\"");
  }

  @Test
  void aControllerThatIsNotThereIsAnError() {
    assertThat(Planned.of(Planned.V2, "{'unified':{'misc.max':'x 1','pids.max':'1'}}").errors())
        .isEqualTo(
            "config.json /linux/resources/unified/misc.max: needs the misc controller,"
                + " which is not in /sys/fs/cgroup/cgroup.controllers");
  }

  @Test
  void besideV1OnlyWhatTheUnifiedHierarchyHas() {
    Planned plan =
        Planned.of(
            Planned.v1("memory", "hugetlb"),
            "{'unified':{'hugetlb.2MB.max':'0','cgroup.max.depth':'3','memory.max':'1'}}");
    assertThat(plan.writes())
        .containsExactly(
            "/unified/hugetlb.2MB.max: write \"0\" to \"/cg/unified/hugetlb.2MB.max\"",
            "/unified/cgroup.max.depth: write \"3\" to \"/cg/unified/cgroup.max.depth\"",
            "/unified/memory.max: write \"1\" to \"/cg/unified/memory.max\"");
    assertThat(plan.errors()).contains("/unified/memory.max: needs the memory controller");
  }

  @Test
  void onV1ItIsAnError() {
    assertThat(Planned.of(Planned.v1("memory", null), "{'unified':{'memory.max':'1'}}").errors())
        .isEqualTo("config.json /linux/resources/unified: needs cgroup v2, which is not mounted");
    assertThat(Planned.of(Planned.v1("memory", null), "{'unified':{}}").errors()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'unified':{'a/b.c':'1'}}|/unified/a~1b.c: must name a file of the cgroup, without",
        "{'unified':{'pids':'1'}}|/unified/pids: must be a controller, a dot, and the name",
        "{'unified':{'.max':'1'}}|/unified/.max: must be a controller, a dot, and the name",
        "{'unified':{'cgroup.freeze':'1'}}|/unified/cgroup.freeze: is no limit",
        "{'unified':{'cgroup.procs':'0'}}|/unified/cgroup.procs: is no limit",
        "{'unified':{'pids.max':1}}|/unified/pids.max: must be a string, not the number 1",
        "{'unified':[]}|/unified: must be an object",
      })
  void wrong(String json, String error) {
    assertThat(Planned.of(Planned.V2, json).errors())
        .startsWith("config.json /linux/resources" + error)
        .doesNotContain("\n");
  }
}
