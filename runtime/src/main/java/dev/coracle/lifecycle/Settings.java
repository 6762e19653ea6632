package dev.coracle.lifecycle;

import dev.coracle.execute.Files;
import dev.coracle.kernel.Errno;

/**
 * The administrator's settings: a file of TOML tables with keys that are true or false. A missing
 * file means the defaults; anything in it that is not known is an error.
 *
 * @param hostByAnnotation whether an annotation may choose the host sandbox
 */
record Settings(boolean hostByAnnotation) {
  private static final String VARIABLE = "CORACLE_CONFIG";
  private static final String DEFAULT_PATH = "/etc/coracle/config.toml";
  private static final int MOST_BYTES = 1 << 20;

  /** Where the settings are. */
  static String path(Environment e) {
    String path = e.variable(VARIABLE);
    return path.isEmpty() ? DEFAULT_PATH : path;
  }

  /** Reads them. */
  static Settings read(Environment e) throws Failure {
    Files.Read read = Files.read(e.kernel(), path(e), MOST_BYTES);
    Files.Content content = read.content();
    if (content == null) {
      if (read.errno() == -Errno.ENOENT) {
        return new Settings(false);
      }
      throw new Failure(path(e) + ": cannot be read: " + e.kernel().explain(read.errno()));
    }
    return parse(content.text(), path(e));
  }

  private static Settings parse(String text, String path) throws Failure {
    String table = "";
    boolean hostByAnnotation = false;
    int number = 0;
    int from = 0;
    while (from < text.length()) {
      int end = text.indexOf('\n', from);
      if (end < 0) {
        end = text.length();
      }
      number++;
      String line = withoutComment(text.substring(from, end));
      from = end + 1;
      if (line.isEmpty()) {
        continue;
      }
      if (line.startsWith("[") && line.endsWith("]")) {
        table = line.substring(1, line.length() - 1).trim();
        continue;
      }
      int equals = line.indexOf('=');
      String key = equals < 0 ? line : line.substring(0, equals).trim();
      String value = equals < 0 ? "" : line.substring(equals + 1).trim();
      if (!table.equals("host") || !key.equals("allow_annotation")) {
        throw new Failure(path + ":" + number + ": unknown setting \"" + key + "\"");
      }
      if (!value.equals("true") && !value.equals("false")) {
        throw new Failure(path + ":" + number + ": must be true or false, not \"" + value + "\"");
      }
      hostByAnnotation = value.equals("true");
    }
    return new Settings(hostByAnnotation);
  }

  private static String withoutComment(String line) {
    int hash = line.indexOf('#');
    return (hash < 0 ? line : line.substring(0, hash)).trim();
  }
}
