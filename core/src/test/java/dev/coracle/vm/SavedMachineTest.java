package dev.coracle.vm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.abi.Bytes;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What a monitor knows, as it is written to a file. */
class SavedMachineTest {
  private static final SavedMachine SAVED =
      new SavedMachine(
          List.of("-m", "64", "a \"b\""),
          List.of("02:42:0a:00:00:02"),
          true,
          List.of(0, 31),
          7,
          65536,
          1,
          0,
          true);

  private static @Nullable SavedMachine parse(String text) {
    byte[] bytes = Bytes.utf8(text);
    return SavedMachine.parse(bytes, bytes.length);
  }

  private static String text() {
    byte[] json = SAVED.json();
    return Bytes.text(json, 0, json.length);
  }

  @Test
  void whatIsWrittenIsRead() {
    assertThat(parse(text())).isEqualTo(SAVED);
  }

  @Test
  void whatIsNotWholeIsNotRead() {
    String whole = text();
    String[][] changes = {
      {"\"version\": 1", "\"version\": 0"},
      {"\"version\": 1", "\"version\": 2"},
      {"\"protocol\": 1", "\"protocol\": 0"},
      {"65536", "65537"},
      {"\"errors\": 1", "\"errors\": -1"},
      {"\"nextSession\": 7", "\"nextSession\": 1"},
      {"31", "32"},
      {"\"shape\"", "\"form\""},
      {"\"64\"", "64"},
    };
    for (String[] change : changes) {
      assertThat(whole).contains(change[0]);
      assertThat(parse(whole.replace(change[0], change[1]))).as(change[1]).isNull();
    }
    assertThat(parse("")).isNull();
    assertThat(parse("[]")).isNull();
    assertThat(parse("{}")).isNull();
  }
}
