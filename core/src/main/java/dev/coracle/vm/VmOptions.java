package dev.coracle.vm;

import dev.coracle.json.Pointer;
import dev.coracle.problem.Origin;
import dev.coracle.problem.Problems;
import dev.coracle.spec.Process;
import dev.coracle.spec.Resources;
import dev.coracle.spec.Spec;
import dev.coracle.spec.Vm;
import dev.coracle.vm.VmConfig.DiskRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads what shapes a machine. What is said in several places counts in this order: annotations
 * {@code dev.coracle.vm.*}, the section /vm, the variables {@code RUNCVM_*} of the process,
 * /linux/resources, and what holds by default. An annotation can come from whoever may start
 * containers, and a variable from an image: neither can name a file of the host.
 */
public final class VmOptions {
  static final String PREFIX = "dev.coracle.vm.";
  private static final Pointer ANNOTATIONS = Pointer.of("/annotations");
  private static final Pointer ENV = Pointer.of("/process/env");
  private static final Pointer HARDWARE = Pointer.of("/vm/hwConfig");
  private static final long MIB = 1L << 20;
  private static final long DEFAULT_PERIOD_MICROS = 100_000;
  private static final List<String> FILESYSTEMS = List.of("ext2", "ext3", "ext4");
  private static final String NAMES =
      "accelerator, break, cpu, cpus, disks, kernel, kernel_append, kernel_debug, lib_modules,"
          + " machine, memory, template, virtiofs.cache";

  private final Spec spec;
  private final Problems problems;

  private VmOptions(Spec spec, Problems problems) {
    this.spec = spec;
    this.problems = problems;
  }

  /** One option as it was given. */
  private record Asked(String text, Origin origin) {}

  /** What a bundle asks for. */
  public static VmConfig read(Spec spec, Problems problems) {
    VmOptions o = new VmOptions(spec, problems);
    o.checkNames();
    return o.read();
  }

  private void checkNames() {
    for (Map.Entry<String, String> a : spec.annotations().entrySet()) {
      String key = a.getKey();
      if (key.startsWith(PREFIX) && !isKnown(key.substring(PREFIX.length()))) {
        problems.error(ANNOTATIONS.child(key), "unknown option; there are " + NAMES);
      }
    }
    Process process = spec.process();
    List<String> env = process == null ? List.of() : process.env();
    for (int i = 0; i < env.size(); i++) {
      String entry = env.get(i);
      int equals = entry.indexOf('=');
      if (entry.startsWith(RuncvmOption.PREFIX) && equals > 0) {
        checkVariable(i, entry.substring(0, equals), entry.substring(equals + 1));
      }
    }
  }

  private void checkVariable(int at, String variable, String value) {
    if (RuncvmOption.alias(variable) != null) {
      return;
    }
    if (RuncvmOption.isRefused(variable, value)) {
      problems.error(ENV.child(at), variable + ": the machine is of x86_64, not " + value);
      return;
    }
    String instead =
        variable.equals("RUNCVM_QEMU_ARCH") ? "" : RuncvmOption.instead(variable, value);
    if (!instead.isEmpty()) {
      problems.warning(ENV.child(at), variable + " " + instead);
    }
  }

  private static boolean isKnown(String name) {
    int at = NAMES.indexOf(name);
    int end = at + name.length();
    return !name.isEmpty()
        && at >= 0
        && (at == 0 || NAMES.charAt(at - 1) == ' ')
        && (end == NAMES.length() || NAMES.charAt(end) == ',');
  }

  private VmConfig read() {
    Vm vm = spec.vm();
    boolean annotated = spec.annotations().containsKey(PREFIX + "kernel");
    String kernel = vm == null || vm.kernel() == null || annotated ? text("kernel") : null;
    boolean image = "image".equals(kernel);
    if (vm != null && vm.image() != null) {
      problems.error(
          Pointer.of("/vm/image"),
          "is not supported: the root filesystem of a virtual machine is /root/path");
    }
    refuseBreak();
    MachineType machine = MachineType.MICROVM;
    Asked type = asked("machine");
    if (type != null) {
      MachineType found = MachineType.of(type.text());
      if (found == null) {
        problems.error(type.origin(), "must be microvm or q35, not \"" + type.text() + "\"");
      } else {
        machine = found;
      }
    }
    return new VmConfig(
        image ? null : kernelName(kernel),
        image,
        vm,
        append(vm),
        is("kernel_debug"),
        vcpus(),
        memoryMib(),
        accelerator(),
        machine,
        cpu(),
        cache(),
        asked("template") == null ? null : is("template"),
        is("lib_modules"),
        disks());
  }

  private @Nullable Asked asked(String name) {
    String key = PREFIX + name;
    String annotation = spec.annotations().get(key);
    if (annotation != null) {
      return new Asked(annotation, Origin.of(ANNOTATIONS.child(key)));
    }
    Process process = spec.process();
    List<String> env = process == null ? List.of() : process.env();
    for (int i = env.size() - 1; i >= 0; i--) {
      String entry = env.get(i);
      int equals = entry.indexOf('=');
      if (entry.startsWith(RuncvmOption.PREFIX)
          && equals > 0
          && equals + 1 < entry.length()
          && name.equals(RuncvmOption.alias(entry.substring(0, equals)))) {
        return new Asked(entry.substring(equals + 1), Origin.of(ENV.child(i)));
      }
    }
    return null;
  }

  private @Nullable String text(String name) {
    Asked asked = asked(name);
    return asked == null || asked.text().isEmpty() ? null : asked.text();
  }

  private boolean is(String name) {
    Asked asked = asked(name);
    if (asked == null) {
      return false;
    }
    String text = asked.text();
    boolean yes = text.equals("true") || text.equals("1") || text.equals("yes");
    boolean no = text.isEmpty() || text.equals("false") || text.equals("0") || text.equals("no");
    if (!yes && !no) {
      problems.error(asked.origin(), "must be true or false, not \"" + text + "\"");
    }
    return yes;
  }

  /** RunCVM's {@code debian/6.1.0} is the name debian-6.1.0 in our store. */
  private @Nullable String kernelName(@Nullable String asked) {
    if (asked == null) {
      return null;
    }
    String name = asked.replace('/', '-');
    Asked where = asked("kernel");
    if (where != null && (asked.startsWith("/") || !KernelImage.isName(name))) {
      problems.error(
          where.origin(),
          "must be image, or the name of a kernel that coracle vm kernel list shows, not \""
              + asked
              + "\"");
    }
    return name;
  }

  private void refuseBreak() {
    Asked asked = asked("break");
    if (asked != null && !asked.text().isEmpty()) {
      problems.error(
          asked.origin(),
          "a machine cannot stop for a shell on its way: use the engine's exec once it runs, or"
              + " dev.coracle.vm.kernel_debug to see how it starts");
    }
  }

  private List<String> append(@Nullable Vm vm) {
    List<String> out = new ArrayList<>();
    if (vm != null) {
      out.addAll(vm.append());
    }
    String more = text("kernel_append");
    if (more != null) {
      out.add(more);
    }
    for (String word : out) {
      if (word.indexOf('\n') >= 0) {
        problems.error(ANNOTATIONS.child(PREFIX + "kernel_append"), "must be one line");
      }
    }
    return out;
  }

  private int vcpus() {
    Asked asked = asked("cpus");
    Vm vm = spec.vm();
    boolean annotated = spec.annotations().containsKey(PREFIX + "cpus");
    if (vm != null && vm.vcpus() != null && !annotated) {
      return (int) within(vm.vcpus(), VmConfig.MOST_VCPUS, Origin.of(HARDWARE.child("vcpus")));
    }
    if (asked != null) {
      return (int) within(number(asked), VmConfig.MOST_VCPUS, asked.origin());
    }
    Resources r = spec.linux().resources();
    Resources.Cpu cpu = r == null ? null : r.cpu();
    Long quota = cpu == null ? null : cpu.quotaMicros();
    if (cpu == null || quota == null || quota <= 0) {
      return 1;
    }
    Long given = cpu.periodMicros();
    long period = given == null ? DEFAULT_PERIOD_MICROS : given;
    // A fraction of a processor is a whole one whose time the cgroup limits.
    long whole = (quota + period - 1) / Math.max(1, period);
    return (int) Math.max(1, Math.min(whole, VmConfig.MOST_VCPUS));
  }

  private long within(long value, long most, Origin origin) {
    if (value < 1 || value > most) {
      problems.error(origin, "must be a number from 1 to " + most);
      return 1;
    }
    return value;
  }

  private static long number(Asked asked) {
    String text = asked.text();
    long out = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c < '0' || c > '9' || out > Integer.MAX_VALUE) {
        return -1;
      }
      out = out * 10 + c - '0';
    }
    return text.isEmpty() ? -1 : out;
  }

  private long memoryMib() {
    Asked asked = asked("memory");
    Vm vm = spec.vm();
    Resources r = spec.linux().resources();
    Long limit = r == null || r.memory() == null ? null : r.memory().limitBytes();
    boolean annotated = spec.annotations().containsKey(PREFIX + "memory");
    long bytes = VmConfig.DEFAULT_MEMORY_MIB * MIB;
    Origin origin = Origin.of(HARDWARE.child("memory"));
    Long section = vm == null ? null : vm.memoryBytes();
    if (section != null && !annotated) {
      bytes = section < 0 ? Long.MAX_VALUE : section;
    } else if (asked != null) {
      bytes = bytes(asked.text());
      origin = asked.origin();
      if (bytes < 0) {
        problems.error(origin, "must be a size such as 512M or 2G, not \"" + asked.text() + "\"");
        return VmConfig.DEFAULT_MEMORY_MIB;
      }
    } else if (limit != null && limit > 0) {
      // A limit that is as good as none is none.
      boolean unlimited = limit / MIB > VmConfig.MOST_MEMORY_MIB;
      return unlimited
          ? VmConfig.DEFAULT_MEMORY_MIB
          : Math.max(VmConfig.LEAST_MEMORY_MIB, limit / MIB);
    }
    long mib = bytes / MIB;
    if (mib < VmConfig.LEAST_MEMORY_MIB || mib > VmConfig.MOST_MEMORY_MIB) {
      problems.error(
          origin,
          "must be from " + VmConfig.LEAST_MEMORY_MIB + " MiB to 16 TiB, not " + mib + " MiB");
      return VmConfig.DEFAULT_MEMORY_MIB;
    }
    if (limit != null && limit > 0 && bytes > limit) {
      problems.error(
          origin,
          "the guest's memory is more than /linux/resources/memory/limit lets it have, which is "
              + limit / MIB
              + " MiB");
    }
    return mib;
  }

  /** {@code 512M}, {@code 2g}, {@code 1GiB}; a number alone is MiB, as QEMU and RunCVM have it. */
  static long bytes(String text) {
    int end = 0;
    long value = 0;
    while (end < text.length() && text.charAt(end) >= '0' && text.charAt(end) <= '9') {
      if (value > Integer.MAX_VALUE) {
        return -1;
      }
      value = value * 10 + text.charAt(end++) - '0';
    }
    if (end == 0) {
      return -1;
    }
    String unit = text.substring(end);
    return switch (unit) {
      case "", "m", "M", "MiB", "MB" -> value * MIB;
      case "k", "K", "KiB", "KB" -> value << 10;
      case "g", "G", "GiB", "GB" -> value << 30;
      default -> -1;
    };
  }

  private @Nullable Accelerator accelerator() {
    Asked asked = asked("accelerator");
    if (asked == null || asked.text().isEmpty() || asked.text().equals("auto")) {
      return null;
    }
    Accelerator found = Accelerator.of(asked.text());
    if (found == null) {
      problems.error(asked.origin(), "must be auto, kvm or tcg, not \"" + asked.text() + "\"");
    }
    return found;
  }

  /** A model of QEMU's, with no more in it than a word: options come behind a comma. */
  private @Nullable String cpu() {
    String cpu = text("cpu");
    Asked asked = asked("cpu");
    if (cpu != null && asked != null && !KernelImage.isName(cpu)) {
      problems.error(
          asked.origin(), "must be a processor of QEMU, such as max, not \"" + cpu + "\"");
    }
    return cpu;
  }

  private Virtiofsd.Cache cache() {
    Asked asked = asked("virtiofs.cache");
    String text = asked == null ? "" : asked.text();
    return switch (text) {
      case "", "auto" -> Virtiofsd.Cache.AUTO;
      case "none", "never" -> Virtiofsd.Cache.NEVER;
      case "always" -> Virtiofsd.Cache.ALWAYS;
      default -> {
        if (asked != null) {
          problems.error(asked.origin(), "must be auto, never or always, not \"" + text + "\"");
        }
        yield Virtiofsd.Cache.AUTO;
      }
    };
  }

  /**
   * {@code source,destination,filesystem[,size];…}: RunCVM's form. Both paths are the container's.
   */
  private List<DiskRequest> disks() {
    List<DiskRequest> out = new ArrayList<>();
    Asked asked = asked("disks");
    String text = asked == null ? "" : asked.text();
    int at = 0;
    while (asked != null && at < text.length()) {
      int end = text.indexOf(';', at);
      end = end < 0 ? text.length() : end;
      DiskRequest disk = disk(text.substring(at, end));
      if (disk == null) {
        problems.error(
            asked.origin(),
            "must be source,destination,filesystem[,size] with absolute paths, ext2, ext3 or ext4,"
                + " and ; between disks, not"
                + (" \"" + text.substring(at, end) + "\""));
      } else {
        out.add(disk);
      }
      at = end + 1;
    }
    if (asked != null && out.size() > VmConfig.MOST_DISKS) {
      problems.error(asked.origin(), "there can be " + VmConfig.MOST_DISKS + " disks at most");
    }
    return out;
  }

  private static @Nullable DiskRequest disk(String text) {
    List<String> parts = new ArrayList<>();
    int at = 0;
    while (at <= text.length()) {
      int end = text.indexOf(',', at);
      end = end < 0 ? text.length() : end;
      parts.add(text.substring(at, end));
      at = end + 1;
    }
    if (parts.size() < 3
        || parts.size() > 4
        || !isFile(parts.get(0))
        || !isFile(parts.get(1))
        || !FILESYSTEMS.contains(parts.get(2))) {
      return null;
    }
    long size = parts.size() == 4 ? diskBytes(parts.get(3)) : 0;
    return size < 0 ? null : new DiskRequest(parts.get(0), parts.get(1), parts.get(2), size);
  }

  /** A number alone is bytes, as truncate(1) and RunCVM have it for disks. */
  private static long diskBytes(String text) {
    long size = bytes(text);
    boolean plain = !text.isEmpty() && text.charAt(text.length() - 1) <= '9';
    return size > 0 && plain ? size / MIB : size > 0 ? size : -1;
  }

  /** Absolute, with a name at its end, and without what stands between words. */
  private static boolean isFile(String path) {
    for (int i = 0; i < path.length(); i++) {
      if (path.charAt(i) <= ' ') {
        return false;
      }
    }
    String name = path.substring(path.lastIndexOf('/') + 1);
    return path.startsWith("/") && !name.isEmpty() && !name.equals(".") && !name.equals("..");
  }
}
