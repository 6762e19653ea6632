package dev.coracle.vm;

import dev.coracle.abi.Bytes;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where an image of a distribution has its own kernel, by the {@code ID} in its os-release(5).
 * Peers: RunCVM has the same rules; for a distribution that it does not know it gives up.
 */
public final class KernelRules {
  /** The paths at which a kernel may be, the best first. */
  private static final List<String> LINKS = List.of("/vmlinuz", "/boot/vmlinuz");

  private static final List<String> BOOT = List.of("/boot/vmlinuz", "/vmlinuz");
  private static final List<String> VIRT = List.of("/boot/vmlinuz-virt", "/boot/vmlinuz-lts");

  private KernelRules() {}

  /** The paths for a distribution, or null where it is not known: it takes the default kernel. */
  public static @Nullable List<String> paths(String id) {
    return switch (id) {
      case "debian" -> LINKS;
      case "ubuntu", "ol" -> BOOT;
      case "alpine", "openwrt" -> VIRT;
      default -> null;
    };
  }

  /** The ID of an os-release(5), or an empty text. */
  public static String id(byte[] osRelease, int length) {
    int at = 0;
    while (at < length) {
      int end = at;
      while (end < length && osRelease[end] != '\n') {
        end++;
      }
      String line = Bytes.text(osRelease, at, end).trim();
      if (line.startsWith("ID=")) {
        return unquoted(line.substring(3));
      }
      at = end + 1;
    }
    return "";
  }

  private static String unquoted(String value) {
    int last = value.length() - 1;
    boolean quoted =
        last > 0
            && (value.charAt(0) == '"' || value.charAt(0) == '\'')
            && value.charAt(last) == value.charAt(0);
    return quoted ? value.substring(1, last) : value;
  }
}
