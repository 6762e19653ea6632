package dev.coracle.vmm;

import static dev.coracle.abi.Fcntl.AT_FDCWD;

import dev.coracle.execute.Files;
import dev.coracle.kernel.Kernel;
import dev.coracle.vm.MachineType;
import dev.coracle.vm.Virtiofsd;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Where QEMU, virtiofsd and the firmware are on this host. */
public final class VmHost {
  private static final List<String> QEMU =
      List.of(
          "/usr/bin/qemu-system-x86_64",
          "/usr/libexec/qemu-kvm",
          "/usr/local/bin/qemu-system-x86_64");
  private static final List<String> VIRTIOFSD =
      List.of("/usr/libexec/virtiofsd", "/usr/lib/qemu/virtiofsd", "/usr/lib/virtiofsd");
  private static final List<String> QBOOT =
      List.of("/usr/share/qemu/qboot.rom", "/usr/share/qemu-kvm/qboot.rom");
  private static final List<String> MKFS =
      List.of("/usr/sbin/mkfs.ext4", "/sbin/mkfs.ext4", "/usr/bin/mkfs.ext4");
  private static final List<String> SHOWN =
      List.of(
          "/usr/lib",
          "/usr/lib64",
          "/usr/libexec",
          "/usr/bin",
          "/usr/local/lib",
          "/usr/local/bin",
          "/usr/share/qemu",
          "/usr/share/seabios",
          "/usr/share/qemu-kvm",
          "/lib",
          "/lib64",
          "/etc/ld.so.cache");
  private static final String QEMUS_OWN_VIRTIOFSD = "/usr/lib/qemu/virtiofsd";
  private static final int MOST_CPUINFO_BYTES = 1 << 20;
  private static final int KHZ_DIGITS = 3;

  private final Kernel k;

  /** The host of a kernel. */
  public VmHost(Kernel kernel) {
    this.k = kernel;
  }

  /** QEMU: the one that is named, or the host's. */
  public String qemu(@Nullable String named) throws Refused {
    return program(named, QEMU, "QEMU is missing; install the package qemu-system-x86");
  }

  /** virtiofsd: the one that is named, or the host's. */
  public String virtiofsd(@Nullable String named) throws Refused {
    return program(
        named,
        VIRTIOFSD,
        "virtiofsd is missing; install the package qemu-system-common (Debian 12) or virtiofsd");
  }

  /** What makes a filesystem on a disk; null where there is none. */
  public @Nullable String mkfs() {
    for (String place : MKFS) {
      if (exists(place)) {
        return place;
      }
    }
    return null;
  }

  /** Which of the two it is: the older one comes with QEMU. */
  public static Virtiofsd.Kind kind(String virtiofsd) {
    return virtiofsd.equals(QEMUS_OWN_VIRTIOFSD) ? Virtiofsd.Kind.QEMU : Virtiofsd.Kind.RUST;
  }

  /** The firmware that starts a kernel soonest; it is the same for both types of machines. */
  public String firmware(MachineType type) throws Refused {
    return program(
        null,
        QBOOT,
        "the firmware qboot.rom for "
            + type.word()
            + " is missing; install the package qemu-system-data");
  }

  private String program(@Nullable String named, List<String> places, String missing)
      throws Refused {
    if (named != null) {
      if (!exists(named)) {
        throw new Refused(named + " is not there: " + missing);
      }
      return named;
    }
    for (String place : places) {
      if (exists(place)) {
        return place;
      }
    }
    throw new Refused(missing);
  }

  /** What the root around the guest's must show, so that these programs run in it. */
  public List<String> shown(String... more) {
    List<String> out = new ArrayList<>();
    for (String path : SHOWN) {
      if (exists(path)) {
        out.add(path);
      }
    }
    for (String path : more) {
      if (!isUnder(path, out)) {
        out.add(path);
      }
    }
    return out;
  }

  private static boolean isUnder(String path, List<String> shown) {
    for (String s : shown) {
      if (path.equals(s) || path.startsWith(s + "/")) {
        return true;
      }
    }
    return false;
  }

  /**
   * How fast the clock of the processor is that a guest under TCG sees; 0 where it is not known.
   */
  public long tscKhz() {
    Files.Content text = Files.read(k, "/proc/cpuinfo", MOST_CPUINFO_BYTES).content();
    int at = text == null ? -1 : text.text().indexOf("cpu MHz");
    return at < 0 || text == null ? 0 : khz(text.text(), at);
  }

  /** {@code cpu MHz : 2596.148} is 2596148. */
  static long khz(String text, int from) {
    int at = text.indexOf(':', from) + 1;
    while (at > 0 && at < text.length() && text.charAt(at) == ' ') {
      at++;
    }
    long out = 0;
    int fraction = -1;
    while (at > 0 && at < text.length() && fraction < KHZ_DIGITS) {
      char c = text.charAt(at++);
      if (c == '.' && fraction < 0) {
        fraction = 0;
      } else if (c >= '0' && c <= '9' && out < Integer.MAX_VALUE) {
        out = out * 10 + c - '0';
        fraction = fraction < 0 ? fraction : fraction + 1;
      } else {
        break;
      }
    }
    for (int i = Math.max(fraction, 0); i < KHZ_DIGITS; i++) {
      out *= 10;
    }
    return out;
  }

  private boolean exists(String path) {
    return k.faccessat2(AT_FDCWD, path, dev.coracle.abi.Fcntl.F_OK, 0) >= 0;
  }
}
