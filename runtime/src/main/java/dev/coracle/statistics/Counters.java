package dev.coracle.statistics;

import dev.coracle.execute.Files;
import dev.coracle.json.Json;
import dev.coracle.json.JsonWriter;
import dev.coracle.kernel.Kernel;
import org.jspecify.annotations.Nullable;

/** The files of one cgroup, read as numbers; what is not there counts as 0. */
final class Counters {
  /** What stands for the word {@code max}: the largest unsigned number, as in runc. */
  static final long UNLIMITED = -1;

  private static final int MOST_BYTES = 1 << 20;

  private final Kernel k;
  private final @Nullable String directory;

  /** The files of a cgroup; null for none. */
  Counters(Kernel kernel, @Nullable String directory) {
    this.k = kernel;
    this.directory = directory;
  }

  /** What a file holds; empty where it cannot be read. */
  String text(String file) {
    if (directory == null) {
      return "";
    }
    Files.Content content = Files.read(k, directory + "/" + file, MOST_BYTES).content();
    return content == null ? "" : content.text();
  }

  /** The number in a file. */
  long number(String file) {
    return parse(text(file), 0);
  }

  /** The number behind a word at the start of a line. */
  static long value(String text, String word) {
    int line = 0;
    while (line < text.length()) {
      if (text.startsWith(word, line)
          && line + word.length() < text.length()
          && text.charAt(line + word.length()) == ' ') {
        return parse(text, line + word.length() + 1);
      }
      int end = text.indexOf('\n', line);
      line = end < 0 ? text.length() : end + 1;
    }
    return 0;
  }

  /** The number at a place, as unsigned bits; {@code max} is {@link #UNLIMITED}. */
  static long parse(String text, int at) {
    if (text.startsWith("max", at)) {
      return UNLIMITED;
    }
    boolean negative = text.startsWith("-", at);
    long value = 0;
    for (int i = negative ? at + 1 : at; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c < '0' || c > '9') {
        break;
      }
      value = value * 10 + c - '0';
    }
    return negative ? -value : value;
  }

  /** Writes an unsigned number. */
  static void unsigned(JsonWriter out, String key, long value) {
    out.key(key).json(new Json.Int(value, value < 0));
  }

  /** Writes an unsigned number, but no 0. */
  static void unlessZero(JsonWriter out, String key, long value) {
    if (value != 0) {
      unsigned(out, key, value);
    }
  }
}
