package dev.coracle.property;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.problem.Problems;
import dev.coracle.systemd.UnitProperty;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SystemdPropertiesTest {
  private final Problems problems = new Problems();

  private List<UnitProperty> read(String name, String text) {
    return SystemdProperties.read(
        Map.of("other", "x", "org.systemd.property." + name, text), problems);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "CollectMode | 'inactive-or-failed' | s | CollectMode=\"inactive-or-failed\"",
        "Wants | [\"a.service\", 'b.service'] | as | Wants=[\"a.service\", \"b.service\"]",
        "After | @as [] | as | After=[]",
        "MemoryMax | uint64 18446744073709551615 | t | MemoryMax=18446744073709551615",
        "MemoryMax | @t 0x10 | t | MemoryMax=16",
        "Nice | -5 | i | Nice=-5",
        "IOWeight | byte 255 | y | IOWeight=255",
        "Some | int64 -9223372036854775808 | x | Some=-9223372036854775808",
        "Delegate | true | b | Delegate=true",
        "DeviceAllow | [('/dev/null', 'rw')] | a(ss) | DeviceAllow=[[\"/dev/null\", \"rw\"]]",
        "DeviceAllow | @a(ss) [] | a(ss) | DeviceAllow=[]",
        "Tuple | (true, uint32 5, <'x'>) | (buv) | Tuple=[true, 5, \"x\"]",
        "TimeoutStopSec | 1 | t | TimeoutStopUSec=1000000",
        "TimeoutStopSec | uint64 90 | t | TimeoutStopUSec=90000000",
        "TimeoutStopSec | 1.25 | t | TimeoutStopUSec=1250000",
        "TimeoutStopUSec | uint64 7 | t | TimeoutStopUSec=7",
      })
  void values(String name, String text, String signature, String property) {
    List<UnitProperty> out = read(name, text);
    assertThat(problems.all()).isEmpty();
    assertThat(out).hasSize(1);
    assertThat(out.get(0)).hasToString(property);
    assertThat(out.get(0).value().signature()).isEqualTo(signature);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "X | true",
        "Bad_Name | true",
        "Name | ",
        "Name | word",
        "Name | 'open",
        "Name | 'a' 'b'",
        "Name | []",
        "Name | [1, 'a']",
        "Name | [1",
        "Name | [1,]",
        "Name | byte 256",
        "Name | uint32 -1",
        "Name | 2147483648",
        "Name | uint64 18446744073709551616",
        "Name | -",
        "Name | 0x",
        "Name | 1.5",
        "Name | @a 5",
        "Name | @(u 5",
        "Name | @s 5",
        "Name | @b 5",
        "Name | @as 5",
        "Name | @u [5]",
        "Name | @(su) ('a')",
        "Name | @(s) ('a', 'b')",
        "Name | {'a': 1}",
        "Name | b'x'",
        "Name | '\\q'",
        "TimeoutStopSec | 'a'",
        "TimeoutStopSec | -1",
        "TimeoutStopSec | 1.",
        "TimeoutStopSec | 1.x",
        "TimeoutStopSec | 9223372036854775807",
      })
  void errorsNameTheAnnotation(String name, String text) {
    read(name, text == null ? "" : text);
    assertThat(problems.errorText())
        .startsWith("config.json /annotations/org.systemd.property." + name + ": ")
        .doesNotContain("\n");
  }

  @Test
  void escapes() {
    assertThat(read("Text", "'a\\'b\\n'")).hasToString("[Text=\"a'b\n\"]");
  }

  @Test
  void depthIsBounded() {
    read("Name", "[".repeat(100_000));
    assertThat(problems.errorText()).contains("nested too deeply");
    read("Name", "@" + "a".repeat(100_000) + "s []");
    read("Name", "@" + "(".repeat(100_000) + " 1");
    assertThat(problems.all()).hasSize(3);
  }
}
