package dev.coracle.execute;

import static dev.coracle.abi.Process.SOCK_CLOEXEC;

import dev.coracle.abi.Rtnetlink;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import java.util.List;

/**
 * A socket of rtnetlink(7): it speaks of the network namespace in which it was made, wherever the
 * process goes afterwards.
 */
public final class RouteSocket {
  private static final int BUFFER_BYTES = 32 * 1024; // the kernel fills no more at once

  private final Kernel k;
  private final int fd;
  private final byte[] buffer = new byte[BUFFER_BYTES];
  private int message;

  private RouteSocket(Kernel kernel, int descriptor) {
    k = kernel;
    fd = descriptor;
  }

  /** The descriptor of a new socket in the namespace where we are, or −errno. */
  public static long open(Kernel k) {
    return k.socket(
        Rtnetlink.AF_NETLINK, Rtnetlink.SOCK_RAW | SOCK_CLOEXEC, Rtnetlink.NETLINK_ROUTE);
  }

  /** The socket of a descriptor, which is the caller's to close. */
  public static RouteSocket of(Kernel k, long descriptor) {
    return new RouteSocket(k, (int) descriptor);
  }

  /** The index of an interface, or −errno: −ENODEV where there is none of this name. */
  public long find(String name) {
    long result = ask(Rtnetlink.getLink(name));
    return result < 0 ? result : Rtnetlink.index(buffer, message);
  }

  /** The index of an interface, or −errno: −ENODEV where there is none of this hardware address. */
  public long findByMac(byte[] mac) {
    byte[] request = Rtnetlink.getLinks();
    long result = k.write(fd, request, 0, request.length);
    long found = -Errno.ENODEV;
    while (result >= 0) {
      result = receive();
      for (int at = 0;
          result >= 0 && Rtnetlink.isMessage(buffer, at, (int) result);
          at = Rtnetlink.next(buffer, at)) {
        int type = Rtnetlink.type(buffer, at);
        if (type == Rtnetlink.NLMSG_DONE) {
          return found;
        }
        if (type == Rtnetlink.NLMSG_ERROR) {
          return Rtnetlink.error(buffer, at);
        }
        if (type == Rtnetlink.RTM_NEWLINK && Rtnetlink.hasMac(buffer, at, mac)) {
          found = Rtnetlink.index(buffer, at);
        }
      }
      result = result == 0 ? -Errno.EIO : result;
    }
    return result;
  }

  /** Whether the interface that was found last is up. */
  boolean foundIsUp() {
    return Rtnetlink.isUp(buffer, message);
  }

  /** Sends a request and takes its first answer; −errno where that is an error. */
  public long ask(byte[] request) {
    long sent = k.write(fd, request, 0, request.length);
    if (sent < 0) {
      return sent;
    }
    long n = receive();
    if (n < 0) {
      return n;
    }
    message = 0;
    if (!Rtnetlink.isMessage(buffer, 0, (int) n)) {
      return -Errno.EIO;
    }
    return Rtnetlink.type(buffer, 0) == Rtnetlink.NLMSG_ERROR ? Rtnetlink.error(buffer, 0) : 0;
  }

  /** Adds the addresses of an interface that are permanent and global to a list. */
  public long addresses(long index, List<Rtnetlink.Address> to) {
    byte[] request = Rtnetlink.getAddresses();
    long result = k.write(fd, request, 0, request.length);
    while (result >= 0) {
      result = receive();
      for (int at = 0;
          result >= 0 && Rtnetlink.isMessage(buffer, at, (int) result);
          at = Rtnetlink.next(buffer, at)) {
        int type = Rtnetlink.type(buffer, at);
        if (type == Rtnetlink.NLMSG_DONE) {
          return 0;
        }
        if (type == Rtnetlink.NLMSG_ERROR) {
          return Rtnetlink.error(buffer, at);
        }
        if (type == Rtnetlink.RTM_NEWADDR) {
          Rtnetlink.collectAddress(buffer, at, index, to);
        }
      }
      result = result == 0 ? -Errno.EIO : result;
    }
    return result;
  }

  private long receive() {
    long n = k.read(fd, buffer, 0, buffer.length);
    while (n == -Errno.EINTR) {
      n = k.read(fd, buffer, 0, buffer.length);
    }
    return n;
  }
}
