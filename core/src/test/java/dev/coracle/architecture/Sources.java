package dev.coracle.architecture;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The sources that reach the native binary, of this module and of those beside it, for what the
 * compiled classes do not show any more.
 */
final class Sources {
  private static final List<Path> ROOTS =
      List.of(
          Path.of("src/main/java"),
          Path.of("../runtime/src/main/java"),
          Path.of("../native/src/main/java"));

  private static final Pattern NOISE =
      Pattern.compile(
          "\"\"\".*?\"\"\"|\"(?:\\\\.|[^\"\\\\\n])*\"|'(?:\\\\.|[^'\\\\])*'|//[^\n]*|/\\*.*?\\*/",
          Pattern.DOTALL);
  private static final Pattern DECONSTRUCTION =
      Pattern.compile(
          "\\b(?:case|instanceof)\\s+(?:final\\s+)?(?:[a-z]\\w*\\.)*[A-Z][\\w.]*\\s*\\(");
  private static final Pattern SWITCH = Pattern.compile("\\bswitch\\s*\\(");
  private static final Pattern TYPE_PATTERN =
      Pattern.compile("\\bcase\\s+[A-Z][\\w.]*\\s+[a-z]\\w*");
  private static final Pattern DEFAULT = Pattern.compile("\\bdefault\\b");

  private Sources() {}

  /** The text of one file. */
  static String text(String path) {
    return read(Path.of(path));
  }

  /** Record patterns, as file and text. */
  static List<String> deconstructions() {
    List<String> out = new ArrayList<>();
    for (Path file : files()) {
      Matcher m = DECONSTRUCTION.matcher(code(file));
      while (m.find()) {
        out.add(file + ": " + m.group());
      }
    }
    return out;
  }

  /** Switches with type patterns that have a default all the same. */
  static List<String> defaultsBesideTypePatterns() {
    List<String> out = new ArrayList<>();
    for (Path file : files()) {
      String code = code(file);
      Matcher m = SWITCH.matcher(code);
      while (m.find()) {
        String own = ownBlock(code, m.end());
        if (TYPE_PATTERN.matcher(own).find() && DEFAULT.matcher(own).find()) {
          out.add(file + ": " + own);
        }
      }
    }
    return out;
  }

  /** A switch's block without the blocks inside of it, so without inner switches. */
  private static String ownBlock(String code, int from) {
    StringBuilder own = new StringBuilder();
    int depth = 0;
    for (int i = code.indexOf('{', from); i < code.length(); i++) {
      char c = code.charAt(i);
      if (c == '{') {
        depth++;
      } else if (c == '}' && --depth == 0) {
        return own.toString();
      } else if (depth == 1) {
        own.append(c);
      }
    }
    throw new IllegalStateException("a switch without an end");
  }

  private static List<Path> files() {
    List<Path> out = new ArrayList<>();
    for (Path root : ROOTS) {
      try (Stream<Path> all = Files.walk(root)) {
        all.filter(p -> p.toString().endsWith(".java")).sorted().forEach(out::add);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return out;
  }

  /** The text without strings and comments. */
  private static String code(Path file) {
    return NOISE.matcher(read(file)).replaceAll("_");
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
