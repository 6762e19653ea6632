package dev.coracle.json;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The members of one JSON object while they are read: each getter checks the type, tells a problem
 * where it does not fit, and treats null like an absent member.
 */
public final class Members {
  /** Takes the problems that the getters find. */
  public interface Sink {
    /** One problem at one place. */
    void error(Pointer at, String message);

    /** Something that is passed over: as bad as a problem, for who does not tell them apart. */
    default void warning(Pointer at, String message) {
      error(at, message);
    }
  }

  private final Json.Obj object;
  private final Pointer pointer;
  private final Sink sink;
  private int next;
  private @Nullable String searched;
  private int searchedStrings;
  private int searchedTo;

  /** The members of {@code object}, which stands at {@code pointer}. */
  public Members(Json.Obj object, Pointer pointer, Sink sink) {
    this.object = object;
    this.pointer = pointer;
    this.sink = sink;
  }

  /** Where this object stands. */
  public Pointer pointer() {
    return pointer;
  }

  /** Where the member {@code key} stands, or would stand. */
  public Pointer pointer(String key) {
    return pointer.child(key);
  }

  /** The keys, in the order of the text. */
  public List<String> keys() {
    return object.keys();
  }

  /** Tells that the member {@code key} is wrong. */
  public void error(String key, String message) {
    sink.error(pointer(key), message);
  }

  /** Tells that something of the member {@code key} is passed over. */
  public void warning(String key, String message) {
    sink.warning(pointer(key), message);
  }

  /** Tells that something inside this object is wrong. */
  public void errorAt(Pointer at, String message) {
    sink.error(at, message);
  }

  /** Tells that a string of the array {@code key} is wrong: the n-th of {@link #strings}. */
  public void error(String key, int nth, String message) {
    sink.error(pointer(key).child(position(key, nth)), message);
  }

  /**
   * Where the n-th string of an array stands: what is no string was told, and left out. Problems
   * come in order, so that each search goes on where the last one ended.
   */
  private int position(String key, int nth) {
    if (!(raw(key) instanceof Json.Arr a)) {
      return nth;
    }
    if (!key.equals(searched) || nth < searchedStrings) {
      searched = key;
      searchedStrings = 0;
      searchedTo = 0;
    }
    while (searchedTo < a.items().size()) {
      boolean string = a.items().get(searchedTo) instanceof Json.Str;
      if (string && searchedStrings == nth) {
        return searchedTo;
      }
      searchedStrings += string ? 1 : 0;
      searchedTo++;
    }
    return nth;
  }

  /** Tells that this object is wrong. */
  public void error(String message) {
    sink.error(pointer, message);
  }

  /** Whether the member is there and is not null. */
  public boolean has(String key) {
    return raw(key) != null;
  }

  /** Whether the member is a string that its getter gives; of anything else that one has told. */
  public boolean isString(String key) {
    return object.get(key) instanceof Json.Str s && s.value().indexOf('\0') < 0;
  }

  /** The member as it is, or null where it is absent or null. */
  public @Nullable Json raw(String key) {
    List<String> keys = object.keys();
    Json value;
    // Who takes the keys in order, as of annotations, must not search from the start each time.
    if (next < keys.size() && keys.get(next).equals(key)) {
      value = object.values().get(next++);
    } else {
      value = object.get(key);
    }
    return value instanceof Json.Null ? null : value;
  }

  /** A string, or null where it is absent. */
  public @Nullable String string(String key) {
    Json value = raw(key);
    if (value == null) {
      return null;
    }
    if (value instanceof Json.Str s) {
      if (s.value().indexOf('\0') >= 0) {
        error(key, "must not hold a NUL character");
        return null;
      }
      return s.value();
    }
    wrong(key, "a string", value);
    return null;
  }

  /** A string that must be there; an empty one where it is not, with a problem. */
  public String requiredString(String key) {
    String value = string(key);
    if (value == null) {
      if (!has(key)) {
        error(key, "is required");
      }
      return "";
    }
    return value;
  }

  /** A boolean, or {@code absent}. */
  public boolean bool(String key, boolean absent) {
    Json value = raw(key);
    if (value == null) {
      return absent;
    }
    if (value instanceof Json.Bool b) {
      return b.value();
    }
    wrong(key, "a boolean", value);
    return absent;
  }

  /** A whole number from {@code least} to {@code most}, or null where it is absent. */
  public @Nullable Long number(String key, long least, long most) {
    Json value = raw(key);
    if (value == null) {
      return null;
    }
    if (value instanceof Json.Int i) {
      if (i.unsigned() || i.value() < least || i.value() > most) {
        error(key, "must be from " + least + " to " + most + ", not " + i.kind());
        return null;
      }
      return i.value();
    }
    wrong(key, "a whole number", value);
    return null;
  }

  /** A signed 64-bit number, or null where it is absent. */
  public @Nullable Long int64(String key) {
    return number(key, Long.MIN_VALUE, Long.MAX_VALUE);
  }

  /** An unsigned 32-bit number, or null where it is absent. */
  public @Nullable Long uint32(String key) {
    return number(key, 0, 0xffffffffL);
  }

  /** An unsigned 64-bit number as its bits, or null where it is absent. */
  public @Nullable Long uint64(String key) {
    Json value = raw(key);
    if (value == null) {
      return null;
    }
    if (value instanceof Json.Int i) {
      if (!i.unsigned() && i.value() < 0) {
        error(key, "must not be negative");
        return null;
      }
      return i.value();
    }
    wrong(key, "a whole number", value);
    return null;
  }

  /** The strings of an array; empty where it is absent. */
  public List<String> strings(String key) {
    List<Json> items = items(key);
    if (items.isEmpty()) {
      return List.of();
    }
    List<String> out = new ArrayList<>(items.size());
    for (int i = 0; i < items.size(); i++) {
      if (items.get(i) instanceof Json.Str s) {
        if (s.value().indexOf('\0') >= 0) {
          sink.error(pointer(key).child(i), "must not hold a NUL character");
        }
        out.add(s.value());
      } else {
        sink.error(pointer(key).child(i), "must be a string, not " + items.get(i).kind());
      }
    }
    return out;
  }

  /** The strings of an array, each of which must be an absolute path. */
  public List<String> absolutePaths(String key) {
    List<String> paths = strings(key);
    for (int i = 0; i < paths.size(); i++) {
      if (!paths.get(i).startsWith("/")) {
        error(key, i, "must be absolute, not \"" + paths.get(i) + "\"");
      }
    }
    return paths;
  }

  /** The whole numbers of an array, each from {@code least} to {@code most}. */
  public List<Long> numbers(String key, long least, long most) {
    List<Long> out = new ArrayList<>();
    List<Json> items = items(key);
    for (int i = 0; i < items.size(); i++) {
      if (items.get(i) instanceof Json.Int n
          && !n.unsigned()
          && n.value() >= least
          && n.value() <= most) {
        out.add(n.value());
      } else {
        String range = "a whole number from " + least + " to " + most;
        sink.error(pointer(key).child(i), "must be " + range + ", not " + items.get(i).kind());
      }
    }
    return out;
  }

  /** The members of an object, or null where it is absent. */
  public @Nullable Members object(String key) {
    Json value = raw(key);
    if (value == null) {
      return null;
    }
    if (value instanceof Json.Obj o) {
      return new Members(o, pointer(key), sink);
    }
    wrong(key, "an object", value);
    return null;
  }

  /** The objects of an array; empty where it is absent. */
  public List<Members> objects(String key) {
    List<Json> items = items(key);
    List<Members> out = new ArrayList<>(items.size());
    for (int i = 0; i < items.size(); i++) {
      if (items.get(i) instanceof Json.Obj o) {
        out.add(new Members(o, pointer(key).child(i), sink));
      } else {
        sink.error(pointer(key).child(i), "must be an object, not " + items.get(i).kind());
      }
    }
    return out;
  }

  /** The items of an array; empty where it is absent. */
  public List<Json> items(String key) {
    Json value = raw(key);
    if (value == null) {
      return List.of();
    }
    if (value instanceof Json.Arr a) {
      return a.items();
    }
    wrong(key, "an array", value);
    return List.of();
  }

  private void wrong(String key, String expected, Json value) {
    error(key, "must be " + expected + ", not " + value.kind());
  }
}
