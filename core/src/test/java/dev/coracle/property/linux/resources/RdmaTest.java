package dev.coracle.property.linux.resources;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RdmaTest {

  private static final String TWO =
      "{'rdma':{'mlx5_1':{'hcaHandles':3,'hcaObjects':10000},'mlx4_0':{'hcaObjects':0}}}";

  @Test
  void aLineForEachDevice() {
    Planned plan = Planned.of(Planned.V2, TWO);
    assertThat(plan.errors()).isEmpty();
    assertThat(plan.writes())
        .containsExactly(
            "/rdma/mlx5_1: write \"mlx5_1 hca_handle=3 hca_object=10000\" to \"rdma.max\"",
            "/rdma/mlx4_0: write \"mlx4_0 hca_object=0\" to \"rdma.max\"");
    assertThat(Planned.of(Planned.v1("rdma", null), TWO).writes())
        .contains("/rdma/mlx4_0: write \"mlx4_0 hca_object=0\" to \"/cg/rdma/rdma.max\"");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'rdma':{'a':{}}}|/rdma/a: needs hcaHandles or hcaObjects",
        "{'rdma':{'a':{'hcaHandles':-1}}}|/rdma/a/hcaHandles: must be from 0 to 4294967295",
        "{'rdma':{'a':{'hcaObjects':4294967296}}}|/rdma/a/hcaObjects: must be from 0",
        "{'rdma':{'a b':{'hcaObjects':1}}}|/rdma/a b: must be named as a device",
        "{'rdma':{'a':7}}|/rdma/a: must be an object",
      })
  void wrong(String json, String error) {
    assertThat(Planned.of(Planned.V2, json).errors())
        .startsWith("config.json /linux/resources" + error)
        .doesNotContain("\n");
  }
}
