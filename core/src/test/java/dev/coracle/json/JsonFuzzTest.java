package dev.coracle.json;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.fail;

import com.fasterxml.jackson.core.JsonParser.Feature;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Our parser against Jackson in its strict form, on made and on damaged texts. */
class JsonFuzzTest {
  private static final int TEXTS = 10_000;
  private static final int DAMAGES = 4;
  private static final BigInteger LEAST = BigInteger.valueOf(Long.MIN_VALUE);
  private static final BigInteger MOST = BigInteger.ONE.shiftLeft(64).subtract(BigInteger.ONE);

  private static final JsonMapper JACKSON =
      JsonMapper.builder()
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(Feature.STRICT_DUPLICATE_DETECTION)
          .build();

  static {
    JACKSON
        .getFactory()
        .setStreamReadConstraints(
            StreamReadConstraints.builder().maxNestingDepth(JsonParser.MAX_DEPTH).build());
  }

  /** What Jackson reads, or null where it reads nothing. */
  private static @Nullable JsonNode reference(byte[] in) {
    try {
      // Jackson's own decoder lets surrogates and overlong forms pass; the JDK's does not.
      String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(in)).toString();
      JsonNode node = JACKSON.readTree(text);
      return node.isMissingNode() || hasHalfPair(node) ? null : node;
    } catch (CharacterCodingException | JsonProcessingException e) {
      return null;
    }
  }

  /** Strings that have no bytes are the one thing in which we are stricter. */
  private static boolean hasHalfPair(JsonNode node) {
    if (node.isTextual()) {
      return !UTF_8.newEncoder().canEncode(node.textValue());
    }
    Iterator<Map.Entry<String, JsonNode>> fields = node.fields();
    while (fields.hasNext()) {
      if (!UTF_8.newEncoder().canEncode(fields.next().getKey())) {
        return true;
      }
    }
    for (JsonNode child : node) {
      if (hasHalfPair(child)) {
        return true;
      }
    }
    return false;
  }

  private static void compare(byte[] in) {
    JsonNode expected = reference(in);
    Json own;
    try {
      own = JsonParser.parse(in);
    } catch (JsonException e) {
      check(expected == null, in, e.getMessage());
      check(e.line() > 0 && e.column() > 0 && e.column() <= in.length + 1, in, "position");
      return;
    }
    if (expected == null) {
      fail(show(in) + ": only we can read it");
      return;
    }
    check(matches(own, expected), in, "the value is another one");
    JsonNode written = reference(JsonWriter.compact().json(own).toString().getBytes(UTF_8));
    check(expected.equals(written), in, "is written otherwise");
    JsonNode indented = reference(JsonWriter.indented().json(own).toString().getBytes(UTF_8));
    check(expected.equals(indented), in, "is indented otherwise");
  }

  /** AssertJ would make its description each of a hundred thousand times. */
  private static void check(boolean good, byte[] in, @Nullable String what) {
    if (!good) {
      fail(show(in) + ": " + what);
    }
  }

  private static String show(byte[] in) {
    return "<" + new String(in, StandardCharsets.ISO_8859_1) + ">";
  }

  private static boolean matches(Json own, @Nullable JsonNode node) {
    if (node == null) {
      return false;
    }
    return switch (own) {
      case Json.Obj o -> {
        boolean same = node.isObject() && node.size() == o.keys().size();
        Iterator<Map.Entry<String, JsonNode>> fields = node.fields();
        for (int i = 0; same && i < o.keys().size(); i++) {
          Map.Entry<String, JsonNode> field = fields.next();
          same =
              field.getKey().equals(o.keys().get(i))
                  && matches(o.values().get(i), field.getValue());
        }
        yield same;
      }
      case Json.Arr a -> {
        boolean same = node.isArray() && node.size() == a.items().size();
        for (int i = 0; same && i < a.items().size(); i++) {
          same = matches(a.items().get(i), node.get(i));
        }
        yield same;
      }
      case Json.Str s -> node.isTextual() && node.textValue().equals(s.value());
      case Json.Int i -> node.isIntegralNumber() && node.bigIntegerValue().equals(big(i));
      case Json.Other o ->
          node.isNumber()
              && (!node.isIntegralNumber()
                  || node.bigIntegerValue().compareTo(LEAST) < 0
                  || node.bigIntegerValue().compareTo(MOST) > 0);
      case Json.Bool b -> node.isBoolean() && node.booleanValue() == b.value();
      case Json.Null n -> node.isNull();
    };
  }

  private static BigInteger big(Json.Int i) {
    return i.unsigned()
        ? new BigInteger(Long.toUnsignedString(i.value()))
        : BigInteger.valueOf(i.value());
  }

  @Test
  void agreesWithJackson() {
    Random random = new Random(20260823);
    for (int i = 0; i < TEXTS; i++) {
      StringBuilder text = new StringBuilder();
      generate(random, text, 0);
      byte[] in = text.toString().getBytes(UTF_8);
      compare(in);
      for (int n = 0; n < DAMAGES; n++) {
        in = damage(random, in);
        compare(in);
      }
    }
  }

  @Test
  void agreesWithJacksonOnAllShortSequencesOfBytes() {
    // A string with every pair of bytes in it, and the edges of the longer forms of UTF-8.
    for (int a = 0; a < 256; a++) {
      for (int b = 0; b < 256; b++) {
        compare(new byte[] {'"', (byte) a, (byte) b, '"'});
      }
    }
    int[] edges = {0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff};
    for (int first = 0xe0; first < 0x100; first++) {
      for (int b : edges) {
        for (int c : edges) {
          compare(new byte[] {'"', (byte) first, (byte) b, (byte) c, '"'});
          for (int d : edges) {
            compare(new byte[] {'"', (byte) first, (byte) b, (byte) c, (byte) d, '"'});
          }
        }
      }
    }
  }

  private static void generate(Random random, StringBuilder out, int depth) {
    space(random, out);
    switch (random.nextInt(depth > 5 ? 6 : 9)) {
      case 0 -> out.append(pick(random, "true", "false", "null"));
      case 1 -> out.append(random.nextLong());
      case 2 -> out.append(new BigInteger(70, random)).append(pick(random, "", "", ".5", "e3"));
      case 3 -> out.append(pick(random, "0", "-0", "0.0", "1E-2", "9223372036854775808"));
      case 4, 5 -> string(random, out);
      case 6 -> {
        out.append('[');
        for (int i = random.nextInt(4); i > 0; i--) {
          generate(random, out, depth + 1);
          out.append(i > 1 ? "," : "");
        }
        out.append(']');
      }
      default -> {
        out.append('{');
        int members = random.nextInt(random.nextInt(20) == 0 ? 50 : 5);
        for (int i = members; i > 0; i--) {
          out.append("\"k").append(random.nextInt(200)).append("\"");
          space(random, out);
          out.append(':');
          generate(random, out, members > 5 ? 6 : depth + 1);
          out.append(i > 1 ? "," : "");
        }
        out.append('}');
      }
    }
    space(random, out);
  }

  private static void space(Random random, StringBuilder out) {
    if (random.nextInt(6) == 0) {
      out.append(" \n\r\t".charAt(random.nextInt(4)));
    }
  }

  private static void string(Random random, StringBuilder out) {
    out.append('"');
    for (int i = random.nextInt(6); i > 0; i--) {
      out.append(
          pick(
              random,
              "a",
              "\\n",
              "\\u00e9",
              "\\ud83d\\ude00",
              "\u00e9",
              "\u20ac",
              "\ud83d\ude00",
              "\\\"",
              "\\/",
              "/",
              "\u007f",
              "\\ud800",
              "\\u0000"));
    }
    out.append('"');
  }

  private static String pick(Random random, String... of) {
    return of[random.nextInt(of.length)];
  }

  private static byte[] damage(Random random, byte[] in) {
    List<Byte> out = new ArrayList<>();
    for (byte b : in) {
      out.add(b);
    }
    int at = random.nextInt(in.length + 1);
    String signs = "{}[]:,\"\\/0123456789-+.eEtrufalsn \n\u0001";
    byte sign =
        random.nextInt(5) == 0
            ? (byte) random.nextInt(256)
            : (byte) signs.charAt(random.nextInt(signs.length()));
    switch (random.nextInt(4)) {
      case 0 -> out.add(at, sign);
      case 1 -> out.subList(at, Math.min(out.size(), at + 1 + random.nextInt(3))).clear();
      case 2 -> out.subList(at, out.size()).clear();
      default -> {
        if (at < out.size()) {
          out.set(at, sign);
        }
      }
    }
    byte[] bytes = new byte[out.size()];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = out.get(i);
    }
    return bytes;
  }
}
