package dev.coracle.json;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class JsonWriterTest {
  private static JsonWriter fill(JsonWriter out) {
    out.object();
    out.field("s", "x").field("n", -1).field("b", true).field("nothing", (String) null);
    out.key("empty").array().endArray();
    out.key("none").object().endObject();
    out.key("list").array().value("a").object().field("b", 2).endObject().value(3).endArray();
    return out.endObject();
  }

  @Test
  void compact() {
    assertThat(fill(JsonWriter.compact()))
        .hasToString(
            "{\"s\":\"x\",\"n\":-1,\"b\":true,\"nothing\":null,\"empty\":[],\"none\":{},"
                + "\"list\":[\"a\",{\"b\":2},3]}");
  }

  @Test
  void indented() {
    assertThat(fill(JsonWriter.indented()))
        .hasToString(
            """
            {
              "s": "x",
              "n": -1,
              "b": true,
              "nothing": null,
              "empty": [],
              "none": {},
              "list": [
                "a",
                {
                  "b": 2
                },
                3
              ]
            }""");
  }

  @Test
  void escapes() {
    assertThat(JsonWriter.compact().value("\"\\/\n\t\r\b\f\0\u001f\u007f\u00e9\ud83d\ude00"))
        .hasToString("\"\\\"\\\\/\\n\\t\\r\\u0008\\u000c\\u0000\\u001f\u007f\u00e9\ud83d\ude00\"");
  }

  @Test
  void whatWasReadIsWrittenAsItWas() throws JsonException {
    String text =
        "{\"a\":[18446744073709551615,-9223372036854775808,1.50,1e400,true,null],\"\\n\":{}}";
    assertThat(JsonWriter.compact().json(JsonParser.parse(text.getBytes(UTF_8)))).hasToString(text);
  }
}
