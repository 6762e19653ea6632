package dev.coracle.vm;

import dev.coracle.json.Json;
import dev.coracle.json.JsonException;
import dev.coracle.json.JsonParser;
import dev.coracle.json.JsonWriter;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a monitor knows of a machine that is written to files (docs/microvm.md, Checkpoint), in
 * JSON.
 *
 * @param shape what the machine is made of: another one cannot take its state
 * @param macs those of its network interfaces, in their order
 * @param resolver whether its processes ask a DNS server of the host's
 * @param asked the numbers of queries that wait for an answer
 * @param nextSession the number of the next exec
 * @param output bytes of the first process's stdout that were taken, and not given back as credit
 * @param errors the same of its stderr
 * @param input bytes of its stdin that were sent, for which no credit has come back
 * @param inputEnded whether its stdin has ended
 */
public record SavedMachine(
    List<String> shape,
    List<String> macs,
    boolean resolver,
    List<Integer> asked,
    int nextSession,
    int output,
    int errors,
    int input,
    boolean inputEnded) {
  /** Of this format, and of the protocol that the guest speaks. */
  private static final int VERSION = 1;

  /** Its text. */
  public byte[] json() {
    JsonWriter out = JsonWriter.indented();
    out.object().field("version", VERSION).field("protocol", Frame.VERSION);
    texts(out.key("shape"), shape);
    texts(out.key("macs"), macs);
    out.field("resolver", resolver);
    out.key("asked").array();
    for (int number : asked) {
      out.value(number);
    }
    out.endArray();
    out.field("nextSession", nextSession);
    out.field("output", output).field("errors", errors).field("input", input);
    out.field("inputEnded", inputEnded).endObject();
    return dev.coracle.abi.Bytes.utf8(out + "\n");
  }

  private static void texts(JsonWriter out, List<String> values) {
    out.array();
    for (String value : values) {
      out.value(value);
    }
    out.endArray();
  }

  /** Reads what {@link #json} wrote; null where it is nothing of the kind. */
  public static @Nullable SavedMachine parse(byte[] bytes, int length) {
    try {
      return JsonParser.parse(bytes, 0, length) instanceof Json.Obj o ? of(o) : null;
    } catch (JsonException broken) {
      return null;
    }
  }

  private static @Nullable SavedMachine of(Json.Obj o) {
    boolean known =
        number(o, "version", VERSION) == VERSION
            && number(o, "protocol", Frame.VERSION) == Frame.VERSION;
    List<String> shape = new ArrayList<>();
    List<String> macs = new ArrayList<>();
    List<Integer> asked = new ArrayList<>();
    if (!known || !texts(o, "shape", shape) || !texts(o, "macs", macs) || !numbers(o, asked)) {
      return null;
    }
    int next = number(o, "nextSession", Integer.MAX_VALUE);
    int output = number(o, "output", Frame.WINDOW_BYTES);
    int errors = number(o, "errors", Frame.WINDOW_BYTES);
    int input = number(o, "input", Frame.WINDOW_BYTES);
    return next <= Frame.FIRST || Math.min(Math.min(output, errors), input) < 0
        ? null
        : new SavedMachine(
            shape,
            macs,
            is(o, "resolver"),
            asked,
            next,
            output,
            errors,
            input,
            is(o, "inputEnded"));
  }

  private static boolean is(Json.Obj o, String key) {
    return o.get(key) instanceof Json.Bool b && b.value();
  }

  /** −1 where there is none from 0 to {@code most}. */
  private static int number(Json.Obj o, String key, int most) {
    boolean good = o.get(key) instanceof Json.Int n && n.value() >= 0 && n.value() <= most;
    return good && o.get(key) instanceof Json.Int n ? (int) n.value() : -1;
  }

  private static boolean numbers(Json.Obj o, List<Integer> to) {
    if (!(o.get("asked") instanceof Json.Arr array)) {
      return false;
    }
    for (Json item : array.items()) {
      if (!(item instanceof Json.Int n) || n.value() < 0 || n.value() >= Frame.MOST_QUERIES) {
        return false;
      }
      to.add((int) n.value());
    }
    return true;
  }

  private static boolean texts(Json.Obj o, String key, List<String> to) {
    if (!(o.get(key) instanceof Json.Arr array)) {
      return false;
    }
    for (Json item : array.items()) {
      if (!(item instanceof Json.Str text)) {
        return false;
      }
      to.add(text.value());
    }
    return true;
  }
}
