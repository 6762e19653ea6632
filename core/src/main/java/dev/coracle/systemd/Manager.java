package dev.coracle.systemd;

/**
 * A systemd that answers, as much of it as planning needs.
 *
 * @param user whether it is a user's own, and not the host's
 * @param version such as 252
 * @param controlGroup the cgroup below which it makes its own; empty for the root
 */
public record Manager(boolean user, int version, String controlGroup) {
  /**
   * The number in a version's text, such as {@code 252.38-1~deb12u1} or {@code v256~rc2}; 0 where
   * there is none.
   */
  public static int version(String text) {
    int version = 0;
    for (int i = text.startsWith("v") ? 1 : 0; i < text.length() && version < 1_000_000; i++) {
      char c = text.charAt(i);
      if (c < '0' || c > '9') {
        break;
      }
      version = version * 10 + c - '0';
    }
    return version;
  }
}
