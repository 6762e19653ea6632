package dev.coracle.vm;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class KernelRulesTest {
  @ParameterizedTest
  @CsvSource({
    "debian, /vmlinuz",
    "ubuntu, /boot/vmlinuz",
    "ol, /boot/vmlinuz",
    "alpine, /boot/vmlinuz-virt",
    "openwrt, /boot/vmlinuz-virt"
  })
  void whereADistributionHasItsKernel(String id, String first) {
    assertThat(KernelRules.paths(id)).startsWith(first);
  }

  @Test
  void othersHaveNone() {
    assertThat(KernelRules.paths("slackware")).isNull();
    assertThat(KernelRules.paths("")).isNull();
  }

  private static String id(String text) {
    byte[] bytes = text.getBytes(UTF_8);
    return KernelRules.id(bytes, bytes.length);
  }

  @Test
  void theIdOfAnOsRelease() {
    assertThat(id("NAME=x\nVERSION_ID=12\nID=debian\n")).isEqualTo("debian");
    assertThat(id("ID=\"ol\"")).isEqualTo("ol");
    assertThat(id("ID='alpine'\nID_LIKE=x")).isEqualTo("alpine");
    assertThat(id("ID_LIKE=debian\n")).isEmpty();
    assertThat(id("ID=\"\n")).isEqualTo("\"");
    assertThat(id("")).isEmpty();
  }
}
