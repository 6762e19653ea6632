package dev.coracle.execute;

import static dev.coracle.abi.Fcntl.AT_EMPTY_PATH;
import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_RDONLY;

import dev.coracle.abi.Rtnetlink;
import dev.coracle.abi.Statx;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.plan.Action;
import dev.coracle.spec.Linux.NamespaceType;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Moves interfaces of the host into the container's network namespace (rtnetlink(7)). The kernel
 * takes an interface down and its addresses away on the way, so they are given to it again. What
 * was moved is moved back if the plan fails; when the container ends it is not (config-linux.md).
 */
final class NetDeviceActions {
  private static final int MOST_NUMBERS = 1024;

  /** An interface that was moved, and how it stood on the host. */
  private record Moved(
      String hostName, String name, boolean up, List<Rtnetlink.Address> addresses) {}

  private final List<Moved> moved = new ArrayList<>();

  /** Sockets in the runtime's and in the container's namespace; −1 until there is one. */
  private long here = -1;

  private long there = -1;

  /** The namespaces themselves; −1 until they are needed. */
  private long hostNamespace = -1;

  private long containerNamespace = -1;

  long move(Context c, Action.MoveNetDevice a) {
    long result = open(c);
    if (result < 0) {
      return result;
    }
    RouteSocket host = RouteSocket.of(c.kernel, here);
    RouteSocket container = RouteSocket.of(c.kernel, there);
    long index = host.find(a.hostName());
    if (index < 0) {
      return index == -Errno.ENODEV
          ? c.fail(Errno.ENODEV, "the host has no interface \"" + a.hostName() + "\"")
          : failed(c, "find the interface", index);
    }
    String name = free(c, container, a.name());
    if (name == null) {
      return -Errno.EEXIST;
    }
    Moved device = new Moved(a.hostName(), name, host.foundIsUp(), new ArrayList<>());
    result = host.addresses(index, device.addresses());
    if (result < 0) {
      return failed(c, "read its addresses", result);
    }
    result = host.ask(Rtnetlink.moveLink(index, (int) containerNamespace, name));
    if (result < 0) {
      return failed(c, "move it", result);
    }
    moved.add(device);
    return restore(c, container, name, device.addresses(), true);
  }

  /** The name that the interface gets, or null where it is taken: the context has the words. */
  private static @Nullable String free(Context c, RouteSocket container, String wanted) {
    int pattern = wanted.indexOf("%d");
    for (int number = 0; number < MOST_NUMBERS; number++) {
      String name =
          pattern < 0
              ? wanted
              : wanted.substring(0, pattern) + number + wanted.substring(pattern + 2);
      long found = container.find(name);
      if (found == -Errno.ENODEV) {
        return name;
      }
      if (found < 0 || pattern < 0) {
        break;
      }
    }
    long told = c.fail(Errno.EEXIST, "the container has an interface \"" + wanted + "\" already");
    return told < 0 ? null : wanted;
  }

  private static long restore(
      Context c, RouteSocket socket, String name, List<Rtnetlink.Address> addresses, boolean up) {
    // Its index may be another one here.
    long index = socket.find(name);
    if (index < 0) {
      return failed(c, "find it again as \"" + name + "\"", index);
    }
    for (Rtnetlink.Address address : addresses) {
      long added = socket.ask(Rtnetlink.addAddress(index, address));
      if (added < 0) {
        return failed(c, "give it its addresses again", added);
      }
    }
    long result = up ? socket.ask(Rtnetlink.setUp(index)) : 0;
    return result < 0 ? failed(c, "bring it up", result) : 0;
  }

  private static long failed(Context c, String what, long result) {
    return c.fail((int) -result, "rtnetlink refused to " + what + ": " + Errno.text(-result));
  }

  private long open(Context c) {
    if (there >= 0) {
      return 0;
    }
    Kernel k = c.kernel;
    long flags = O_RDONLY | O_CLOEXEC;
    hostNamespace = k.openat2(AT_FDCWD, "/proc/self/ns/net", flags, 0, 0);
    if (hostNamespace < 0) {
      return hostNamespace;
    }
    containerNamespace = k.openat2(AT_FDCWD, "/proc/" + c.hostPid + "/ns/net", flags, 0, 0);
    if (containerNamespace < 0) {
      return containerNamespace;
    }
    byte[] own = new byte[Statx.SIZE];
    byte[] other = new byte[Statx.SIZE];
    long result = k.statx((int) hostNamespace, "", AT_EMPTY_PATH, Statx.STATX_BASIC_STATS, own);
    if (result >= 0) {
      result = k.statx((int) containerNamespace, "", AT_EMPTY_PATH, Statx.STATX_BASIC_STATS, other);
    }
    if (result >= 0 && Statx.inode(own) == Statx.inode(other)) {
      return c.fail(Errno.EINVAL, "the container's network namespace is the host's");
    }
    if (result >= 0) {
      here = RouteSocket.open(k);
      result = here;
    }
    return result < 0 ? result : openThere(c);
  }

  /** A socket belongs to the namespace where it is made: so we go there for a moment. */
  private long openThere(Context c) {
    long flag = NamespaceType.NETWORK.cloneFlag();
    long result = c.kernel.setns((int) containerNamespace, flag);
    if (result < 0) {
      return result;
    }
    there = RouteSocket.open(c.kernel);
    long back = c.kernel.setns((int) hostNamespace, flag);
    return there < 0 ? there : back;
  }

  /** Moves back what was moved, last thing first; the text tells what could not be, or is null. */
  @Nullable String undo(Context c) {
    String problem = null;
    for (int i = moved.size() - 1; i >= 0; i--) {
      Moved device = moved.get(i);
      RouteSocket host = RouteSocket.of(c.kernel, here);
      RouteSocket container = RouteSocket.of(c.kernel, there);
      long result = container.find(device.name());
      if (result >= 0) {
        String name = device.hostName();
        result = container.ask(Rtnetlink.moveLink(result, (int) hostNamespace, name));
      }
      if (result >= 0) {
        result = restore(c, host, device.hostName(), device.addresses(), device.up());
      }
      if (result < 0) {
        problem =
            "cannot move interface \"" + device.hostName() + "\" back: " + Errno.text(-result);
      }
    }
    moved.clear();
    done(c);
    return problem;
  }

  /** Closes what the moves needed: without it, the namespace lives as long as the container. */
  void done(Context c) {
    here = closed(c, here);
    there = closed(c, there);
    hostNamespace = closed(c, hostNamespace);
    containerNamespace = closed(c, containerNamespace);
  }

  private static long closed(Context c, long fd) {
    if (fd >= 0) {
      c.close(fd);
    }
    return -1;
  }
}
