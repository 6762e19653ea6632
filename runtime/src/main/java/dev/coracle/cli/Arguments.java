package dev.coracle.cli;

import dev.coracle.lifecycle.Failure;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Flags and words of a command line. A flag may be written with one dash or two. */
final class Arguments {
  private final List<String> names = new ArrayList<>();
  private final List<String> values = new ArrayList<>();
  private final List<String> words = new ArrayList<>();

  /** How a command line is read. */
  enum Mode {
    /** Flags and words in any order. */
    MIXED,
    /** Flags up to the first word; all the rest are words. */
    FLAGS_FIRST,
    /** As MIXED, but a flag that is not known is passed over. */
    TOLERANT,
    /** As FLAGS_FIRST, but a flag that is not known is passed over. */
    TOLERANT_FLAGS_FIRST
  }

  private Arguments() {}

  /** Reads the command line from {@code from} on by the flags of a usage text. */
  static Arguments parse(List<String> args, int from, String flags, Mode mode) throws Failure {
    Arguments out = new Arguments();
    int at = from;
    while (at < args.size()) {
      String arg = args.get(at);
      if (arg.equals("--")) {
        at++;
        break;
      }
      if (!arg.startsWith("-") || arg.equals("-")) {
        if (mode == Mode.FLAGS_FIRST || mode == Mode.TOLERANT_FLAGS_FIRST) {
          break;
        }
        out.words.add(arg);
        at++;
        continue;
      }
      at = out.flag(args, at, flags, mode);
    }
    while (at < args.size()) {
      out.words.add(args.get(at++));
    }
    return out;
  }

  private int flag(List<String> args, int at, String flags, Mode mode) throws Failure {
    String arg = args.get(at);
    int equals = arg.indexOf('=');
    String given = equals < 0 ? arg : arg.substring(0, equals);
    String bare = given.startsWith("--") ? given.substring(2) : given.substring(1);
    String line = find(flags, bare);
    if (line == null) {
      if (mode == Mode.TOLERANT || mode == Mode.TOLERANT_FLAGS_FIRST) {
        return at + 1;
      }
      throw new Failure("unknown flag \"" + given + "\"; see --help");
    }
    String name = name(line);
    if (takesValue(line)) {
      if (equals < 0 && at + 1 >= args.size()) {
        throw new Failure("flag needs an argument: " + given);
      }
      add(name, equals < 0 ? args.get(at + 1) : arg.substring(equals + 1));
      return equals < 0 ? at + 2 : at + 1;
    }
    String value = equals < 0 ? "true" : arg.substring(equals + 1);
    if (!value.equals("true") && !value.equals("false")) {
      throw new Failure("flag " + given + " must be true or false, not \"" + value + "\"");
    }
    add(name, value);
    return at + 1;
  }

  private void add(String name, String value) {
    names.add(name);
    values.add(value);
  }

  /** The line of a flag in a usage text, or null. */
  private static @Nullable String find(String flags, String bare) {
    // A third dash makes another name of it.
    int from = bare.startsWith("-") ? flags.length() : 0;
    while (from < flags.length()) {
      int to = flags.indexOf('\n', from);
      String line = flags.substring(from, to);
      int end = line.indexOf("  ");
      int equals = line.indexOf('=');
      String names = " " + line.substring(0, equals >= 0 && equals < end ? equals : end) + ",";
      if (names.contains(" --" + bare + ",") || names.contains(" -" + bare + ",")) {
        return line;
      }
      from = to + 1;
    }
    return null;
  }

  private static String name(String line) {
    int end = 2;
    while (end < line.length() && ",= ".indexOf(line.charAt(end)) < 0) {
      end++;
    }
    return line.substring(2, end);
  }

  private static boolean takesValue(String line) {
    int equals = line.indexOf('=');
    return equals >= 0 && equals < line.indexOf("  ");
  }

  /** The last value of a flag, or null where it was not given. */
  @Nullable String value(String name) {
    String out = null;
    for (int i = 0; i < names.size(); i++) {
      if (names.get(i).equals(name)) {
        out = values.get(i);
      }
    }
    return out;
  }

  /** The last value of a flag, or what holds without it. */
  String value(String name, String absent) {
    String value = value(name);
    return value == null ? absent : value;
  }

  /** All values of a flag. */
  List<String> all(String name) {
    List<String> out = new ArrayList<>();
    for (int i = 0; i < names.size(); i++) {
      if (names.get(i).equals(name)) {
        out.add(values.get(i));
      }
    }
    return out;
  }

  /** Whether a flag that takes no value is set. */
  boolean is(String name) {
    return "true".equals(value(name));
  }

  /** The words that are no flags. */
  List<String> words() {
    return words;
  }
}
