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
    String lines = flags;
    int line = find(lines, bare);
    if (line < 0) {
      lines = Usage.HELP;
      line = find(lines, bare);
    }
    if (line < 0) {
      if (mode == Mode.TOLERANT || mode == Mode.TOLERANT_FLAGS_FIRST) {
        return at + 1;
      }
      throw new Failure("unknown flag \"" + given + "\"; see --help");
    }
    String name = lines.substring(line + 2, nameEnd(lines, line + 2));
    if (takesValue(lines, line)) {
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

  /** Where the line of a flag begins in a usage text, or −1. */
  private static int find(String flags, String bare) {
    int line = 0;
    while (line < flags.length()) {
      int name = line;
      while (flags.charAt(name) == '-') {
        int from = flags.charAt(name + 1) == '-' ? name + 2 : name + 1;
        int end = nameEnd(flags, from);
        if (end - from == bare.length() && flags.startsWith(bare, from)) {
          return line;
        }
        // Behind a comma and a space there may be another name.
        name = flags.charAt(end) == ',' ? end + 2 : end;
      }
      line = flags.indexOf('\n', line) + 1;
    }
    return -1;
  }

  private static int nameEnd(String flags, int from) {
    int end = from;
    while (flags.charAt(end) != ',' && flags.charAt(end) != '=' && flags.charAt(end) != ' ') {
      end++;
    }
    return end;
  }

  /** Whether there is an equals sign behind the names of a line. */
  private static boolean takesValue(String flags, int line) {
    int equals = flags.indexOf('=', line);
    return equals >= 0 && equals < flags.indexOf("  ", line);
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
