package dev.coracle.property.linux.resources;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NetworkTest {

  private static final String BOTH =
      "{'network':{'classID':1048577,"
          + "'priorities':[{'name':'eth0','priority':500},{'name':'lo','priority':0}]}}";

  @Test
  void v1() {
    Planned plan = Planned.of(Planned.v1("net_cls,net_prio", null), BOTH);
    assertThat(plan.errors()).isEmpty();
    assertThat(plan.writes())
        .containsExactly(
            "/network/classID: write \"1048577\" to \"/cg/net_cls,net_prio/net_cls.classid\"",
            "/network/priorities: write [eth0 500, lo 0]"
                + " to \"/cg/net_cls,net_prio/net_prio.ifpriomap\"");
  }

  @Test
  void v2HasNothingLikeIt() {
    Planned plan = Planned.of(Planned.V2, BOTH);
    assertThat(plan.writes()).isEmpty();
    assertThat(plan.errors())
        .isEqualTo(
            """
            config.json /linux/resources/network/classID: cannot be set on cgroup v2, which has nothing like it
            config.json /linux/resources/network/priorities: cannot be set on cgroup v2, which has nothing like it\
            """);
    assertThat(Planned.of(Planned.V2, "{'network':{'classID':0,'priorities':[]}}").errors())
        .isEmpty();
  }

  @Test
  void withoutTheControllersItIsAnError() {
    assertThat(Planned.of(Planned.v1("memory", ""), BOTH).errors())
        .isEqualTo(
            """
            config.json /linux/resources/network/classID: no net_cls controller is mounted
            config.json /linux/resources/network/priorities: no net_prio controller is mounted\
            """);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'network':{'classID':4294967296}}|/network/classID: must be from 0 to 4294967295",
        "{'network':{'classID':'1'}}|/network/classID: must be a whole number",
        "{'network':'x'}|/network: must be an object",
      })
  void wrong(String json, String error) {
    assertThat(Planned.of(Planned.V2, json).errors())
        .startsWith("config.json /linux/resources" + error)
        .doesNotContain("\n");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'name':'a b','priority':1}|/name: must be the name of an interface",
        "{'priority':1}|/name: is required",
        "{'name':'a'}|/priority: is required",
        "{'name':'a','priority':-1}|/priority: must be from 0",
      })
  void wrongPriorities(String json, String error) {
    String network = "{'network':{'priorities':[" + json + "]}}";
    assertThat(Planned.of(Planned.v1("net_prio", null), network).errors())
        .startsWith("config.json /linux/resources/network/priorities/0" + error)
        .doesNotContain("\n");
  }
}
