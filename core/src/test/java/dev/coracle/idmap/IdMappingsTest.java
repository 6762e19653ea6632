package dev.coracle.idmap;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.json.Json;
import dev.coracle.json.JsonException;
import dev.coracle.json.JsonParser;
import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.spec.Linux.IdMapping;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The kernel's rules for maps (user_namespaces(7)), told with pointers. */
class IdMappingsTest {
  private final List<String> problems = new ArrayList<>();

  private List<IdMapping> read(String entries) {
    byte[] json = ("{\"uidMappings\": [" + entries + "]}").getBytes(UTF_8);
    try {
      Json.Obj linux = (Json.Obj) JsonParser.parse(json, 0, json.length);
      Members members =
          new Members(linux, Pointer.of("/linux"), (at, text) -> problems.add(at + ": " + text));
      return IdMappings.read(members, "uidMappings");
    } catch (JsonException e) {
      throw new AssertionError(e);
    }
  }

  private static String entry(long container, long host, long size) {
    return "{\"containerID\":" + container + ",\"hostID\":" + host + ",\"size\":" + size + "}";
  }

  private static String entries(int count, long hostFrom) {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < count; i++) {
      out.append(i == 0 ? "" : ",").append(entry(i, hostFrom + i, 1));
    }
    return out.toString();
  }

  @Test
  void theWholeRangeIsOneLine() {
    List<IdMapping> all = read(entry(0, 0, 4294967295L));
    assertThat(problems).isEmpty();
    assertThat(IdMappings.text(all)).isEqualTo("0 0 4294967295\n");
  }

  @Test
  void theLastIdIsTheLast() {
    assertThat(read(entry(4294967294L, 7, 1))).hasSize(1);
    assertThat(problems).isEmpty();
    read(entry(4294967294L, 7, 2));
    assertThat(problems)
        .containsExactly("/linux/uidMappings/0/size: goes beyond the last id, 4294967294");
  }

  @Test
  void asManyLinesAsTheKernelTakes() {
    assertThat(read(entries(340, 1000))).hasSize(340);
    assertThat(problems).isEmpty();
    assertThat(read(entries(341, 1000))).isEmpty();
    assertThat(problems)
        .containsExactly("/linux/uidMappings: must have at most 340 entries, not 341");
  }

  /** The kernel reads less than a page, and says EINVAL to more. */
  @Test
  void asManyBytesAsTheKernelTakes() {
    read(entries(300, 3_000_000_000L));
    assertThat(problems)
        .containsExactly(
            "/linux/uidMappings: take 4990 bytes as text, and the kernel reads at most 4095");
  }

  @Test
  void idsOfTheContainerAreIdsOfTheHost() {
    List<IdMapping> map = List.of(new IdMapping(0, 1000, 1), new IdMapping(1, 100000, 10));
    assertThat(IdMappings.hostId(map, 0)).isEqualTo(1000);
    assertThat(IdMappings.hostId(map, 10)).isEqualTo(100009);
    assertThat(IdMappings.hostId(map, 11)).isEqualTo(-1);
    assertThat(IdMappings.isOwnAlone(map, 1000)).isFalse();
    assertThat(IdMappings.isOwnAlone(map.subList(0, 1), 1000)).isTrue();
    assertThat(IdMappings.isOwnAlone(map.subList(0, 1), 1001)).isFalse();
  }

  @Test
  void whatIsNoIdIsLeftToTheKernel() {
    assertThat(IdMappings.parse("5")).isEqualTo(5);
    assertThat(IdMappings.parse("")).isEqualTo(-1);
    assertThat(IdMappings.parse("tty")).isEqualTo(-1);
    assertThat(IdMappings.parse("99999999999999999999")).isEqualTo(-1);
  }
}
