package dev.coracle.cgroup;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CpuWeightTest {
  @ParameterizedTest
  @CsvSource({
    "0,1",
    "1,1",
    "2,1",
    "3,2",
    "512,59",
    "1023,100",
    "1024,100",
    "1025,101",
    "2048,174",
    "262143,10000",
    "262144,10000",
    "9999999,10000",
    "-1,10000"
  })
  void weight(long shares, long weight) {
    assertThat(CpuWeight.ofShares(shares)).isEqualTo(weight);
  }

  @Test
  void neverFalls() {
    long before = 0;
    for (long shares = 0; shares <= 262_144; shares++) {
      long weight = CpuWeight.ofShares(shares);
      assertThat(weight).isBetween(Math.max(1, before), 10_000L);
      before = weight;
    }
  }
}
