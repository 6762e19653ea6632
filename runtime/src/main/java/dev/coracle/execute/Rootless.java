package dev.coracle.execute;

import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;

/**
 * Whether the runtime works without the rights of the host's root: for a user, or as root of a user
 * namespace. Then cgroups may belong to others, and a container that asks for no limits does
 * without.
 */
public enum Rootless {
  /** It is found out where it matters. */
  AUTO,
  TRUE,
  FALSE;

  private static final int MOST_MAP_BYTES = 16 * 1024;

  /** The value of --rootless; null where it is none. */
  public static @org.jspecify.annotations.Nullable Rootless of(String word) {
    return switch (word) {
      case "auto" -> AUTO;
      case "true" -> TRUE;
      case "false" -> FALSE;
      default -> null;
    };
  }

  /** What it is for this process: TRUE or FALSE. */
  Rootless resolve(Kernel k) {
    if (this != AUTO) {
      return this;
    }
    return k.geteuid() != 0 || inUserNamespace(k) ? TRUE : FALSE;
  }

  /** Whether this process is in a user namespace other than the host's (user_namespaces(7)). */
  public static boolean inUserNamespace(Kernel k) {
    Files.Content map = Files.read(k, "/proc/self/uid_map", MOST_MAP_BYTES).content();
    if (map == null) {
      return false; // A kernel without user namespaces.
    }
    long[] first = numbers(map);
    return first[0] != 0 || first[1] != 0 || first[2] != 0xffffffffL;
  }

  private static long[] numbers(Files.Content map) {
    long[] out = new long[3];
    int at = 0;
    boolean inside = false;
    for (int i = 0; i < map.length() && at < out.length; i++) {
      int digit = map.bytes()[i] - '0';
      if (digit >= 0 && digit <= 9) {
        out[at] = out[at] * 10 + digit;
        inside = true;
      } else {
        at += inside ? 1 : 0;
        inside = false;
      }
    }
    return out;
  }

  /** Whether an error says that something belongs to others, or is not there for that reason. */
  static boolean isDenial(long result) {
    return result == -Errno.EACCES
        || result == -Errno.EPERM
        || result == -Errno.EROFS
        || result == -Errno.ENOENT;
  }
}
