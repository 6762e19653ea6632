package dev.coracle.property.linux.resources;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.cgroup.IoWeight;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BlockIoTest {

  private static final String ALL =
      "{'blockIO':{'weight':500,'weightDevice':[{'major':8,'minor':16,'weight':10}],"
          + "'throttleReadBpsDevice':[{'major':8,'minor':0,'rate':18446744073709551615}],"
          + "'throttleWriteBpsDevice':[{'major':8,'minor':0,'rate':2}],"
          + "'throttleReadIOPSDevice':[{'major':8,'minor':0,'rate':3},{'major':9,'minor':1,'rate':0}],"
          + "'throttleWriteIOPSDevice':[{'major':8,'minor':0,'rate':4}]}}";

  @Test
  void v2() {
    Planned plan = Planned.of(Planned.V2, ALL);
    assertThat(plan.errors()).isEmpty();
    assertThat(plan.writes())
        .containsExactly(
            "/blockIO/weight: write \"500\" to \"io.bfq.weight\","
                + " or where it is not there write \"4950\" to \"io.weight\"",
            "/blockIO/weightDevice/0: write \"8:16 10\" to \"io.bfq.weight\","
                + " or where it is not there write \"8:16 1\" to \"io.weight\"",
            "/blockIO/throttleReadBpsDevice/0: write \"8:0 rbps=18446744073709551615\" to \"io.max\"",
            "/blockIO/throttleWriteBpsDevice/0: write \"8:0 wbps=2\" to \"io.max\"",
            "/blockIO/throttleReadIOPSDevice/0: write \"8:0 riops=3\" to \"io.max\"",
            "/blockIO/throttleReadIOPSDevice/1: write \"9:1 riops=max\" to \"io.max\"",
            "/blockIO/throttleWriteIOPSDevice/0: write \"8:0 wiops=4\" to \"io.max\"");
  }

  @Test
  void v1() {
    Planned plan = Planned.of(Planned.v1("blkio", null), ALL);
    assertThat(plan.errors()).isEmpty();
    String b = "/cg/blkio/blkio.";
    assertThat(plan.writes())
        .containsExactly(
            "/blockIO/weight: write \"500\" to \""
                + b
                + "bfq.weight\","
                + " or where it is not there write \"500\" to \""
                + b
                + "weight\"",
            "/blockIO/weightDevice/0: write \"8:16 10\" to \""
                + b
                + "bfq.weight_device\","
                + " or where it is not there write \"8:16 10\" to \""
                + b
                + "weight_device\"",
            "/blockIO/throttleReadBpsDevice/0: write \"8:0 18446744073709551615\" to \""
                + b
                + "throttle.read_bps_device\"",
            "/blockIO/throttleWriteBpsDevice/0: write \"8:0 2\" to \""
                + b
                + "throttle.write_bps_device\"",
            "/blockIO/throttleReadIOPSDevice/0: write \"8:0 3\" to \""
                + b
                + "throttle.read_iops_device\"",
            "/blockIO/throttleReadIOPSDevice/1: write \"9:1 0\" to \""
                + b
                + "throttle.read_iops_device\"",
            "/blockIO/throttleWriteIOPSDevice/0: write \"8:0 4\" to \""
                + b
                + "throttle.write_iops_device\"");
  }

  @Test
  void leafWeights() {
    String json =
        "{'blockIO':{'leafWeight':10,'weightDevice':[{'major':8,'minor':0,'leafWeight':11}]}}";
    assertThat(Planned.of(Planned.v1("blkio", null), json).writes())
        .containsExactly(
            "/blockIO/leafWeight: write \"10\" to \"/cg/blkio/blkio.leaf_weight\"",
            "/blockIO/weightDevice/0: write \"8:0 11\" to \"/cg/blkio/blkio.leaf_weight_device\"");
    assertThat(Planned.of(Planned.V2, json).errors().lines())
        .allMatch(line -> line.contains("cannot be set on cgroup v2"))
        .hasSize(2);
  }

  @Test
  void whatEnginesWriteForNothing() {
    Planned plan = Planned.of(Planned.V2, "{'blockIO':{'weight':0,'leafWeight':0}}");
    assertThat(plan.errors()).isEmpty();
    assertThat(plan.writes()).isEmpty();
  }

  /** runc's formula: 1 + (weight - 10) * 9999 / 990. */
  @ParameterizedTest
  @CsvSource({"10,1", "11,11", "100,910", "300,2930", "500,4950", "999,9989", "1000,10000"})
  void weightOfV2(long weight, long converted) {
    assertThat(IoWeight.ofBlkio(weight)).isEqualTo(converted);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'blockIO':{'weight':9}}|/blockIO/weight: must be from 10 to 1000, not 9",
        "{'blockIO':{'weight':1001}}|/blockIO/weight: must be from 10 to 1000",
        "{'blockIO':{'leafWeight':-1}}|/blockIO/leafWeight: must be from 0",
        "{'blockIO':{'weightDevice':[{'major':8,'minor':0}]}}|/blockIO/weightDevice/0: needs weight or leafWeight",
        "{'blockIO':{'weightDevice':[{'minor':0,'weight':10}]}}|/blockIO/weightDevice/0/major: is required",
        "{'blockIO':{'throttleReadBpsDevice':[{'major':8,'rate':1}]}}|/blockIO/throttleReadBpsDevice/0/minor: is required",
        "{'blockIO':{'throttleReadIOPSDevice':[{'major':8,'minor':1}]}}|/blockIO/throttleReadIOPSDevice/0/rate: is required",
        "{'blockIO':{'throttleWriteIOPSDevice':[{'major':4096,'minor':1,'rate':1}]}}|/blockIO/throttleWriteIOPSDevice/0/major: must be",
      })
  void wrong(String json, String error) {
    assertThat(Planned.of(Planned.V2, json).errors())
        .startsWith("config.json /linux/resources" + error)
        .doesNotContain("\n");
  }
}
