package dev.coracle.lifecycle;

import dev.coracle.execute.Files;
import dev.coracle.kernel.Errno;
import org.jspecify.annotations.Nullable;

/**
 * The administrator's settings: a file of TOML tables with keys that are true, false or a text in
 * quotes. A missing file means the defaults; anything in it that is not known is an error.
 *
 * @param hostByAnnotation whether an annotation may choose the host sandbox
 * @param kernels where the kernels of virtual machines are
 * @param qemu the program that runs machines; null for the host's
 * @param virtiofsd the program that serves their files; null for the host's
 * @param template whether they are copied from one that was booted before, if a bundle says nothing
 * @param templates where those are kept; null for the state root
 */
record Settings(
    boolean hostByAnnotation,
    String kernels,
    @Nullable String qemu,
    @Nullable String virtiofsd,
    boolean template,
    @Nullable String templates) {
  private static final String VARIABLE = "CORACLE_CONFIG";
  private static final String DEFAULT_PATH = "/etc/coracle/config.toml";
  private static final String DEFAULT_KERNELS = "/var/lib/coracle/kernels";
  private static final int MOST_BYTES = 1 << 20;

  private static final Settings DEFAULTS =
      new Settings(false, DEFAULT_KERNELS, null, null, false, null);

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
        return DEFAULTS;
      }
      throw new Failure(path(e) + ": cannot be read: " + e.kernel().explain(read.errno()));
    }
    return parse(content.text(), path(e));
  }

  private static Settings parse(String text, String path) throws Failure {
    String table = "";
    Settings out = DEFAULTS;
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
      out = out.with(table, key, value, path + ":" + number);
    }
    return out;
  }

  private Settings with(String table, String key, String value, String at) throws Failure {
    boolean host = hostByAnnotation;
    String store = kernels;
    String machine = qemu;
    String files = virtiofsd;
    boolean copied = template;
    String common = templates;
    switch (table + "." + key) {
      case "host.allow_annotation" -> host = isTrue(value, at);
      case "vm.kernels" -> store = file(value, at);
      case "vm.qemu" -> machine = file(value, at);
      case "vm.virtiofsd" -> files = file(value, at);
      case "vm.template" -> copied = isTrue(value, at);
      case "vm.templates" -> common = file(value, at);
      default -> throw new Failure(at + ": unknown setting \"" + key + "\"");
    }
    return new Settings(host, store, machine, files, copied, common);
  }

  private static boolean isTrue(String value, String at) throws Failure {
    if (!value.equals("true") && !value.equals("false")) {
      throw new Failure(at + ": must be true or false, not \"" + value + "\"");
    }
    return value.equals("true");
  }

  /** An absolute path in quotes, in which nothing is escaped. */
  private static String file(String value, String at) throws Failure {
    int last = value.length() - 1;
    boolean quoted =
        last > 0
            && (value.charAt(0) == '"' || value.charAt(0) == '\'')
            && value.charAt(last) == value.charAt(0);
    String path = quoted ? value.substring(1, last) : "";
    if (!path.startsWith("/") || path.indexOf('\\') >= 0 || path.indexOf('"') >= 0) {
      throw new Failure(at + ": must be an absolute path in quotes, not " + value);
    }
    return path;
  }

  /** A hash in quotes begins no comment. */
  private static String withoutComment(String line) {
    char quote = 0;
    for (int i = 0; i < line.length(); i++) {
      char c = line.charAt(i);
      if (quote == 0 && c == '#') {
        return line.substring(0, i).trim();
      }
      if (c == quote) {
        quote = 0;
      } else if (quote == 0 && (c == '"' || c == '\'')) {
        quote = c;
      }
    }
    return line.trim();
  }
}
