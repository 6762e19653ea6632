package dev.coracle.json;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class JsonParserTest {
  private static Json parse(String text) throws JsonException {
    return JsonParser.parse(text.getBytes(UTF_8));
  }

  private static JsonException broken(byte[] in) {
    return catchThrowableOfType(JsonException.class, () -> JsonParser.parse(in));
  }

  private static JsonException broken(String text) {
    return broken(text.getBytes(UTF_8));
  }

  @Test
  void values() throws JsonException {
    assertThat(parse(" {\"a\" : [ true , false , null , \"x\" , 1 ] , \"b\" : {} }\n"))
        .isEqualTo(
            new Json.Obj(
                List.of("a", "b"),
                List.of(
                    new Json.Arr(
                        List.of(
                            new Json.Bool(true),
                            new Json.Bool(false),
                            new Json.Null(),
                            new Json.Str("x"),
                            new Json.Int(1, false))),
                    new Json.Obj(List.of(), List.of()))));
  }

  @Test
  void aPartOfTheBytes() throws JsonException {
    byte[] in = "}{\"a\":1}{".getBytes(UTF_8);
    assertThat(JsonParser.parse(in, 1, 8)).isEqualTo(parse("{\"a\":1}"));
    assertThatThrownBy(() -> JsonParser.parse(in, 1, 7)).hasMessage("expected ',' or '}'");
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0",
    "-0, 0",
    "7, 7",
    "9223372036854775807, 9223372036854775807",
    "-9223372036854775808, -9223372036854775808",
    "-1, -1",
  })
  void signedNumbers(String text, long value) throws JsonException {
    assertThat(parse(text)).isEqualTo(new Json.Int(value, false));
  }

  @ParameterizedTest
  @ValueSource(strings = {"9223372036854775808", "9999999999999999999", "18446744073709551615"})
  void unsignedNumbers(String text) throws JsonException {
    assertThat(parse(text)).isEqualTo(new Json.Int(Long.parseUnsignedLong(text), true));
    assertThat(parse(text).kind()).isEqualTo("the number " + text);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "18446744073709551616",
        "18446744073709551619",
        "18446744073709551620",
        "99999999999999999999999999",
        "36893488147419103232",
        "-9223372036854775809",
        "-18446744073709551615",
        "-18446744073709551616",
        "1.0",
        "-0.5",
        "1e3",
        "1E+3",
        "12345678901234567890123.25e-7"
      })
  void otherNumbersStayText(String text) throws JsonException {
    assertThat(parse(text)).isEqualTo(new Json.Other(text));
  }

  @ParameterizedTest
  @CsvSource({
    "01, 1, 1, unexpected character",
    "-01, 1, 2, unexpected character",
    "00, 1, 1, unexpected character",
    "-, 1, 1, unexpected character",
    "+1, 1, 1, unexpected character",
    ".5, 1, 1, unexpected character",
    "1., 1, 3, expected a digit",
    "1.e5, 1, 3, expected a digit",
    "1e, 1, 3, expected a digit",
    "1e+, 1, 4, expected a digit",
    "1 2, 1, 3, unexpected text after the JSON value",
    "NaN, 1, 1, unexpected character",
    "Infinity, 1, 1, unexpected character",
    "0x10, 1, 2, unexpected text after the JSON value",
    "tru, 1, 1, unexpected character",
    "nul, 1, 1, unexpected character",
    "True, 1, 1, unexpected character",
  })
  void wrongNumbersAndWords(String text, int line, int column, String message) {
    JsonException e = broken(text);
    assertThat(e).hasMessage(message);
    assertThat(e.line()).isEqualTo(line);
    assertThat(e.column()).isEqualTo(column);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "``|1|1|unexpected end of JSON",
        "` `|1|2|unexpected end of JSON",
        "{|1|2|expected a key in double quotes",
        "{'a':1}|1|2|expected a key in double quotes",
        "{\"a\"}|1|5|expected ':' after a key",
        "{\"a\":}|1|6|unexpected character",
        "{\"a\":1,}|1|8|expected a key in double quotes",
        "{\"a\":1|1|7|expected ',' or '}'",
        "[1,]|1|4|unexpected character",
        "[1 2]|1|4|expected ',' or ']'",
        "[|1|2|unexpected end of JSON",
        "// x|1|1|unexpected character",
        "[1] // x|1|5|unexpected text after the JSON value",
        "\"a|1|3|a string without an end",
        "\"\\|1|3|a string without an end",
        "\"\\x\"|1|3|an unknown escape in a string",
        "\"\\u12g4\"|1|6|expected four hexadecimal digits after \\u",
        "\"\\u12|1|6|expected four hexadecimal digits after \\u",
        "{\"a\":1,\"b\":2,\"a\":3}|1|14|the key \"a\" stands twice in one object",
        "{\"a\":1,\"\\u0061\":3}|1|8|the key \"a\" stands twice in one object",
      })
  void wrongStructure(String text, int line, int column, String message) {
    JsonException e = broken(text);
    assertThat(e).hasMessage(message);
    assertThat(e.line()).isEqualTo(line);
    assertThat(e.column()).isEqualTo(column);
  }

  @Test
  void positionsCountLines() {
    JsonException e = broken("{\n  \"a\": 1,\r\n  \"b\": x\n}");
    assertThat(e.line()).isEqualTo(3);
    assertThat(e.column()).isEqualTo(8);
  }

  @Test
  void escapes() throws JsonException {
    assertThat(parse("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\uDE00\\u0000\""))
        .isEqualTo(new Json.Str("\"\\/\b\f\n\r\t\u00e9\ud83d\ude00\0"));
  }

  @Test
  void controlCharactersMustBeEscaped() {
    for (char c = 0; c < 0x20; c++) {
      assertThat(broken("\"" + c + "\""))
          .as("character " + (int) c)
          .hasMessage("a control character in a string must be escaped");
    }
  }

  @Test
  void deleteAndUnicodeSpacesAreText() throws JsonException {
    assertThat(parse("\"\u007f\u00a0\u2028\ufeff\""))
        .isEqualTo(new Json.Str("\u007f\u00a0\u2028\ufeff"));
    assertThat(broken("\ufeff1")).hasMessage("unexpected character");
    assertThat(broken("\u00a01")).hasMessage("unexpected character");
  }

  @ParameterizedTest
  @ValueSource(strings = {"\\ud800", "\\udc00", "\\ud800\\ud800", "\\udc00\\ud800", "\\ud800x"})
  void halvesOfSurrogatePairsAreNoText(String escapes) {
    // They have no bytes: as a path they would silently become another one.
    assertThat(broken("\"" + escapes + "\"")).hasMessage("half of a surrogate pair in a string");
  }

  @Test
  void longStrings() throws JsonException {
    String text = "\u00e9\ud83d\ude00x".repeat(5000);
    assertThat(parse("\"" + text + "\"")).isEqualTo(new Json.Str(text));
  }

  @Test
  void depthIsBounded() throws JsonException {
    int most = JsonParser.MAX_DEPTH;
    assertThat(parse("[".repeat(most) + "]".repeat(most))).isInstanceOf(Json.Arr.class);
    assertThat(broken("[".repeat(most + 1) + "]".repeat(most + 1)))
        .hasMessage("nested deeper than 64 levels");
    JsonException e = broken("[".repeat(100_000) + "]".repeat(100_000));
    assertThat(e).hasMessage("nested deeper than 64 levels");
    assertThat(e.column()).isEqualTo(65);
    assertThat(broken("{\"a\":".repeat(100_000))).hasMessage("nested deeper than 64 levels");
  }

  @Test
  void manyKeysAreNotQuadratic() {
    StringBuilder text = new StringBuilder("{");
    for (int i = 0; i < 200_000; i++) {
      text.append("\"k").append(i).append("\":0,");
    }
    String twice = text + "\"k77\":0}";
    Assertions.assertTimeout(
        Duration.ofSeconds(5),
        () -> {
          assertThat(parse(text + "\"z\":0}")).isInstanceOf(Json.Obj.class);
          assertThat(broken(twice)).hasMessage("the key \"k77\" stands twice in one object");
        });
  }

  @Test
  void objects() throws JsonException {
    Json.Obj o = (Json.Obj) parse("{\"a\":1,\"b\":null}");
    assertThat(o.get("a")).isEqualTo(new Json.Int(1, false));
    assertThat(o.get("b")).isEqualTo(new Json.Null());
    assertThat(o.get("c")).isNull();
  }

  @Test
  void kinds() throws JsonException {
    assertThat(parse("{}").kind()).isEqualTo("an object");
    assertThat(parse("[]").kind()).isEqualTo("an array");
    assertThat(parse("\"\"").kind()).isEqualTo("a string");
    assertThat(parse("-5").kind()).isEqualTo("the number -5");
    assertThat(parse("1.5").kind()).isEqualTo("the number 1.5");
    assertThat(parse("true").kind()).isEqualTo("a boolean");
    assertThat(parse("null").kind()).isEqualTo("null");
  }

  @Test
  void whatIsNotWantedIsPassedOver() throws JsonException {
    String text =
        "{\"a\": [1, {\"b\": \"}]\\\"\"}], \"c\": {\"a\": \"x,\\\\\", \"d\": {\"a\": 3}},"
            + " \"aa\": 4, \"a\\u0062\": 5, \"b\": \"\"}";
    byte[] bytes = text.getBytes(UTF_8);
    Json.Obj object = (Json.Obj) JsonParser.parse(bytes, 0, bytes.length, null, " a b ");
    assertThat(object.keys()).containsExactly("a", "c", "aa", "ab", "b");
    assertThat(object.get("a")).isInstanceOf(Json.Null.class);
    assertThat(object.get("b")).isInstanceOf(Json.Null.class);
    assertThat(object.get("aa")).isEqualTo(new Json.Int(4, false));
    Json.Obj inner = (Json.Obj) requireNonNull(object.get("c"));
    assertThat(inner.get("a")).isInstanceOf(Json.Null.class);
    Json.Obj deep = (Json.Obj) requireNonNull(inner.get("d"));
    assertThat(deep.get("a")).isEqualTo(new Json.Int(3, false));
  }
}
