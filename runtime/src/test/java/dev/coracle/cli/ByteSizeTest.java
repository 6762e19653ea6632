package dev.coracle.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coracle.json.Json;
import dev.coracle.lifecycle.Failure;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ByteSizeTest {
  @ParameterizedTest
  @CsvSource({
    "-1, -1",
    "0, 0",
    "4096, 4096",
    "7b, 7",
    "64M, 67108864",
    "64m, 67108864",
    "64MB, 67108864",
    "64mib, 67108864",
    "1.5g, 1610612736",
    "1.5GiB, 1610612736",
    "512 kB, 524288",
    "1T, 1099511627776",
    "2p, 2251799813685248",
    "0.25P, 281474976710656",
    "9007199254740993, 9007199254740993"
  })
  void sizes(String text, long bytes) throws Failure {
    assertThat(ByteSize.parse("memory", text)).isEqualTo(new Json.Int(bytes, false));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "-",
        "-2",
        "M",
        ".5M",
        "1.M",
        "1,5M",
        "64X",
        "64Mi",
        "64MBB",
        "0x10",
        "1e3",
        " 1",
        "99999999999999999999",
        "9000000p"
      })
  void noSizes(String text) {
    assertThatThrownBy(() -> ByteSize.parse("memory", text))
        .hasMessage("--memory must be a number of bytes like 64M, not \"" + text + "\"");
  }
}
