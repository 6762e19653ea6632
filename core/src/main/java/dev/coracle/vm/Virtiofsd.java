package dev.coracle.vm;

import java.util.List;

/** The command line of virtiofsd, which gives the guest its root: the one of QEMU, or the newer. */
public final class Virtiofsd {
  /** The two programs of this name. */
  public enum Kind {
    /** In C, of QEMU up to 7.2; it takes FUSE's options. */
    QEMU,
    /** In Rust, since. */
    RUST
  }

  /** How long the guest may believe what it has seen. */
  public enum Cache {
    NEVER("none", "never"),
    AUTO("auto", "auto"),
    ALWAYS("always", "always");

    private final String ofQemu;
    private final String ofRust;

    Cache(String ofQemu, String ofRust) {
      this.ofQemu = ofQemu;
      this.ofRust = ofRust;
    }
  }

  private Virtiofsd() {}

  /** Which program it is, by what it says of itself: {@code virtiofsd version 7.2.22 (Debian …}. */
  public static Kind kind(String version) {
    return version.startsWith("virtiofsd version") ? Kind.QEMU : Kind.RUST;
  }

  /**
   * The command line. Without flock and posix_lock, which make locks known to the host: who would
   * wait for one is refused with EOPNOTSUPP then (QEMU 7.2). Without them they are the guest's.
   *
   * @param socket a Unix socket that listens: QEMU connects to it
   * @param directory which the guest sees; where the program cannot leave, for it makes it its root
   */
  public static List<String> argv(
      String program, Kind kind, int socket, String directory, Cache cache) {
    return switch (kind) {
      case QEMU ->
          List.of(
              program,
              "--fd=" + socket,
              "-o",
              "source=" + escaped(directory),
              "-o",
              "sandbox=chroot,announce_submounts,xattr,cache=" + cache.ofQemu);
      case RUST ->
          List.of(
              program,
              "--fd=" + socket,
              "--shared-dir=" + directory,
              "--sandbox=chroot",
              "--announce-submounts",
              "--xattr",
              "--cache=" + cache.ofRust);
    };
  }

  /** In FUSE's options a comma and a backslash stand behind a backslash. */
  private static String escaped(String text) {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == ',' || c == '\\') {
        out.append('\\');
      }
      out.append(c);
    }
    return out.toString();
  }
}
