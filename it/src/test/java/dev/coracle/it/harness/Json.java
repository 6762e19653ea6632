package dev.coracle.it.harness;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A JSON tree that is edited by JSON pointers, as problems name them. */
public final class Json {
  private static final Gson GSON = new GsonBuilder().serializeNulls().create();

  private Json() {}

  /** An object of alternating names and values. */
  public static JsonObject object(Object... namesAndValues) {
    JsonObject made = new JsonObject();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      made.add((String) namesAndValues[i], tree(namesAndValues[i + 1]));
    }
    return made;
  }

  public static JsonElement tree(@Nullable Object value) {
    return value instanceof JsonElement e ? e : GSON.toJsonTree(value);
  }

  public static JsonElement parse(String text) {
    return JsonParser.parseString(text);
  }

  public static JsonObject parseObject(String text) {
    return parse(text).getAsJsonObject();
  }

  public static String text(JsonElement tree) {
    return GSON.toJson(tree);
  }

  /** The value at a pointer; a missing one is an error of the test. */
  public static JsonElement get(JsonElement root, String pointer) {
    JsonElement at = root;
    for (String name : names(pointer)) {
      JsonElement next =
          at instanceof JsonArray array
              ? array.get(Integer.parseInt(name))
              : at.getAsJsonObject().get(name);
      if (next == null) {
        throw new IllegalArgumentException("nothing at " + pointer + " in " + root);
      }
      at = next;
    }
    return at;
  }

  /** Sets a value; objects on the way are made, "-" appends to an array. */
  public static void set(JsonElement root, String pointer, @Nullable Object value) {
    List<String> names = names(pointer);
    JsonElement at = root;
    for (int i = 0; i < names.size(); i++) {
      String name = names.get(i);
      boolean last = i == names.size() - 1;
      if (at instanceof JsonArray array) {
        if (name.equals("-")) {
          array.add(tree(value));
          return;
        }
        if (last) {
          array.set(Integer.parseInt(name), tree(value));
          return;
        }
        at = array.get(Integer.parseInt(name));
      } else {
        JsonObject object = at.getAsJsonObject();
        if (last) {
          object.add(name, tree(value));
          return;
        }
        if (!object.has(name)) {
          object.add(name, names.get(i + 1).equals("-") ? new JsonArray() : new JsonObject());
        }
        at = object.get(name);
      }
    }
  }

  public static void remove(JsonElement root, String pointer) {
    int slash = pointer.lastIndexOf('/');
    JsonElement parent = get(root, pointer.substring(0, slash));
    String name = pointer.substring(slash + 1);
    if (parent instanceof JsonArray array) {
      array.remove(Integer.parseInt(name));
    } else {
      parent.getAsJsonObject().remove(name);
    }
  }

  private static List<String> names(String pointer) {
    if (pointer.isEmpty()) {
      return List.of();
    }
    return List.of(pointer.substring(1).split("/", -1)).stream()
        .map(name -> name.replace("~1", "/").replace("~0", "~"))
        .toList();
  }
}
