package dev.coracle.property.linux.resources;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HugepageLimitsTest {

  private static final String TWO =
      "{'hugepageLimits':[{'pageSize':'2MB','limit':4194304},{'pageSize':'1GB','limit':0}]}";

  @Test
  void theReservationsAreLimitedToo() {
    Planned plan = Planned.of(Planned.V2, TWO);
    assertThat(plan.errors()).isEmpty();
    assertThat(plan.writes())
        .containsExactly(
            "/hugepageLimits/0: write \"4194304\" to \"hugetlb.2MB.max\"",
            "/hugepageLimits/0: write \"4194304\" to \"hugetlb.2MB.rsvd.max\"",
            "/hugepageLimits/1: write \"0\" to \"hugetlb.1GB.max\"",
            "/hugepageLimits/1: write \"0\" to \"hugetlb.1GB.rsvd.max\"");
  }

  @Test
  void v1HasOtherNames() {
    String json = "{'hugepageLimits':[{'pageSize':'64KB','limit':18446744073709551615}]}";
    assertThat(Planned.of(Planned.v1("hugetlb", null), json).writes())
        .containsExactly(
            "/hugepageLimits/0: write \"18446744073709551615\""
                + " to \"/cg/hugetlb/hugetlb.64KB.limit_in_bytes\"",
            "/hugepageLimits/0: write \"18446744073709551615\""
                + " to \"/cg/hugetlb/hugetlb.64KB.rsvd.limit_in_bytes\"");
  }

  @Test
  void oneProblemWithoutTheController() {
    String json = "{'hugepageLimits':[{'pageSize':'2MB','limit':1}]}";
    assertThat(Planned.of(Planned.v1("memory", null), json).errors())
        .isEqualTo(
            "config.json /linux/resources/hugepageLimits/0: no hugetlb controller is mounted");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'hugepageLimits':[{'pageSize':'2MiB','limit':1}]}|/hugepageLimits/0/pageSize: must be a number and",
        "{'hugepageLimits':[{'pageSize':'02MB','limit':1}]}|/hugepageLimits/0/pageSize: must be a number and",
        "{'hugepageLimits':[{'pageSize':'../x','limit':1}]}|/hugepageLimits/0/pageSize: must be a number and",
        "{'hugepageLimits':[{'limit':1}]}|/hugepageLimits/0/pageSize: is required",
        "{'hugepageLimits':[{'pageSize':'2MB'}]}|/hugepageLimits/0/limit: is required",
        "{'hugepageLimits':[{'pageSize':'2MB','limit':-1}]}|/hugepageLimits/0/limit: must not be negative",
      })
  void wrong(String json, String error) {
    assertThat(Planned.of(Planned.V2, json).errors())
        .startsWith("config.json /linux/resources" + error)
        .doesNotContain("\n");
  }
}
