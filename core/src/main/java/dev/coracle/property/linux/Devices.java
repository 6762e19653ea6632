package dev.coracle.property.linux;

import dev.coracle.abi.Stat;
import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.kernel.Errno;
import dev.coracle.plan.Action;
import dev.coracle.plan.Errors;
import dev.coracle.plan.Phase;
import dev.coracle.plan.PlanBuilder;
import dev.coracle.problem.Origin;
import dev.coracle.spec.Linux.Device;
import java.util.ArrayList;
import java.util.List;

/** Device nodes, the default ones and others (config-linux.md, "Devices", "Default Devices"). */
public final class Devices {
  public static final Pointer POINTER = Pointer.of("/linux/devices");

  private static final long MAJOR_MEM = 1;
  private static final long MAJOR_TTY = 5;
  private static final int MODE = 0666;

  private Devices() {}

  /** Reads them. */
  public static List<Device> read(Members linux) {
    List<Device> out = new ArrayList<>();
    for (Members device : linux.objects("devices")) {
      String path = device.requiredString("path");
      if (!path.startsWith("/") && device.isString("path")) {
        device.error("path", "must be absolute, not \"" + path + "\"");
      }
      String type = device.requiredString("type");
      boolean known = type.length() == 1 && "bcup".contains(type);
      if (!known && device.isString("type")) {
        device.error("type", "must be b, c, u or p, not \"" + type + "\"");
      }
      boolean numbered = known && !type.equals("p");
      Long fileMode = device.number("fileMode", 0, 07777);
      Long uid = device.uint32("uid");
      Long gid = device.uint32("gid");
      out.add(
          new Device(
              path,
              known ? type.charAt(0) : 'c',
              number(device, "major", numbered),
              number(device, "minor", numbered),
              fileMode == null ? null : fileMode.intValue(),
              uid == null ? 0 : uid,
              gid == null ? 0 : gid,
              Origin.of(device.pointer())));
    }
    return out;
  }

  private static long number(Members device, String key, boolean required) {
    Long value = device.uint32(key);
    if (value == null && required && !device.has(key)) {
      device.error(key, "is required");
    }
    return value == null ? 0 : value;
  }

  /** How device nodes come to be. */
  public enum Nodes {
    /** They are made (mknod(2)). */
    MADE,
    /** The host's are bound: in a user namespace nobody makes device nodes. */
    BOUND
  }

  /** Makes the default devices and links, and the bundle's own. */
  public static void plan(List<Device> devices, Nodes nodes, PlanBuilder plan) {
    standard("/dev/null", MAJOR_MEM, 3, devices, nodes, plan);
    standard("/dev/zero", MAJOR_MEM, 5, devices, nodes, plan);
    standard("/dev/full", MAJOR_MEM, 7, devices, nodes, plan);
    standard("/dev/random", MAJOR_MEM, 8, devices, nodes, plan);
    standard("/dev/urandom", MAJOR_MEM, 9, devices, nodes, plan);
    standard("/dev/tty", MAJOR_TTY, 0, devices, nodes, plan);
    link("pts/ptmx", "/dev/ptmx", plan);
    link("/proc/self/fd", "/dev/fd", plan);
    link("/proc/self/fd/0", "/dev/stdin", plan);
    link("/proc/self/fd/1", "/dev/stdout", plan);
    link("/proc/self/fd/2", "/dev/stderr", plan);
    for (Device d : devices) {
      if (d.path().equals("/dev/ptmx")) {
        continue; // A privileged container lists the host's; its own is the link to its devpts.
      }
      Integer fileMode = d.fileMode();
      if (nodes == Nodes.BOUND && d.type() != 'p') {
        plan.add(
            Phase.CHILD_SETUP,
            new Action.BindDevice(d.path(), type(d.type()), d.major(), d.minor()),
            d.origin());
        continue;
      }
      plan.add(
          Phase.CHILD_SETUP,
          new Action.MakeDevice(
              d.path(),
              type(d.type()),
              d.major(),
              d.minor(),
              fileMode == null ? MODE : fileMode,
              d.uid(),
              d.gid()),
          d.origin());
    }
  }

  private static int type(char type) {
    return switch (type) {
      case 'b' -> Stat.S_IFBLK;
      case 'p' -> Stat.S_IFIFO;
      default -> Stat.S_IFCHR;
    };
  }

  private static void standard(
      String path, long major, long minor, List<Device> devices, Nodes nodes, PlanBuilder plan) {
    for (Device d : devices) {
      if (d.path().equals(path)) {
        return;
      }
    }
    Action action =
        nodes == Nodes.BOUND
            ? new Action.BindDevice(path, Stat.S_IFCHR, major, minor)
            : new Action.MakeDevice(path, Stat.S_IFCHR, major, minor, MODE, 0, 0);
    plan.add(Phase.CHILD_SETUP, action, new Origin.Default("devices"));
  }

  /**
   * What stands there stays: the image's own, or ours, where /dev is on disk and was used before.
   */
  private static void link(String target, String path, PlanBuilder plan) {
    plan.add(
        Phase.CHILD_SETUP,
        new Action.MakeSymlink(target, path),
        new Origin.Default("devices"),
        Errors.of(Errno.EEXIST));
  }
}
