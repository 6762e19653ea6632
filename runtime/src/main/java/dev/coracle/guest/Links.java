package dev.coracle.guest;

import dev.coracle.abi.Rtnetlink;
import dev.coracle.execute.RouteSocket;
import dev.coracle.kernel.DescribingKernel;
import dev.coracle.kernel.Errno;
import dev.coracle.lifecycle.Failure;
import dev.coracle.vm.LinkText;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The guest's network interfaces, by rtnetlink(7). */
final class Links {
  /** The first interface that the kernel makes (linux v6.1 drivers/net/loopback.c). */
  private static final long LOOPBACK = 1;

  private static final int IPV4_BYTES = 4;

  /** From here on a network of IPv4 has no broadcast address (RFC 3021). */
  private static final int POINT_TO_POINT = 31;

  private final DescribingKernel k;

  Links(DescribingKernel k) {
    this.k = k;
  }

  /** Brings the loopback interface up. */
  void setUpLoopback() throws Failure {
    long socket = open();
    long result = RouteSocket.of(k, socket).ask(Rtnetlink.setUp(LOOPBACK));
    Machine.check(k, result, "bring the loopback interface up");
    close(socket);
  }

  private long open() throws Failure {
    long socket = RouteSocket.open(k);
    Machine.check(k, socket, "open a socket of rtnetlink");
    return socket;
  }

  private void close(long socket) throws Failure {
    Machine.check(k, k.close((int) socket), "close a socket of rtnetlink");
  }

  /** Sets an interface up: its name, MTU, addresses and routes. */
  void setUp(String text) throws Failure {
    LinkText link = LinkText.parse(text);
    if (link == null) {
      throw new Failure("the machine's LINK is broken: \"" + text + "\"");
    }
    long socket = open();
    RouteSocket routes = RouteSocket.of(k, socket);
    long index = routes.findByMac(link.now());
    if (index < 0) {
      throw new Failure(
          "the guest has no interface for \"" + link.name() + "\": " + Errno.text(-index));
    }
    rename(routes, index, link.name());
    if (!Arrays.equals(link.now(), link.mac())) {
      check(routes.ask(Rtnetlink.setMac(index, link.mac())), link, "set the MAC");
    }
    if (link.mtu() > 0) {
      check(routes.ask(Rtnetlink.setMtu(index, link.mtu())), link, "set the MTU");
    }
    removeOthers(routes, index, link);
    for (LinkText.Address address : link.addresses()) {
      long result = routes.ask(Rtnetlink.addAddress(index, address(address)));
      // A machine that was restored has it already.
      check(result == -Errno.EEXIST ? 0 : result, link, "add an address");
    }
    check(routes.ask(Rtnetlink.setUp(index)), link, "bring it up");
    for (LinkText.Route route : link.routes()) {
      addRoute(routes, index, route, link);
    }
    close(socket);
  }

  /** A machine that was restored may have addresses that it has no more. */
  private static void removeOthers(RouteSocket routes, long index, LinkText link) throws Failure {
    List<Rtnetlink.Address> there = new ArrayList<>();
    check(routes.addresses(index, there), link, "look at its addresses");
    for (Rtnetlink.Address a : there) {
      boolean kept = false;
      for (LinkText.Address wanted : link.addresses()) {
        byte[] bytes = a.local() == null ? a.address() : a.local();
        kept |= a.prefix() == wanted.prefix() && Arrays.equals(bytes, wanted.bytes());
      }
      if (!kept) {
        check(routes.ask(Rtnetlink.removeAddress(index, a)), link, "remove an address");
      }
    }
  }

  /** Where another interface has the name, that one gets one that nobody asks for. */
  private static void rename(RouteSocket routes, long index, String name) throws Failure {
    long other = routes.find(name);
    if (other == index) {
      return;
    }
    long result = other < 0 ? 0 : routes.ask(Rtnetlink.rename(other, "other" + other));
    if (result >= 0) {
      result = routes.ask(Rtnetlink.rename(index, name));
    }
    if (result < 0) {
      throw new Failure(
          "the guest cannot name an interface \"" + name + "\": " + Errno.text(-result));
    }
  }

  private static Rtnetlink.Address address(LinkText.Address a) {
    byte[] bytes = a.bytes();
    if (bytes.length != IPV4_BYTES) {
      // The host has the address already, and has asked.
      return new Rtnetlink.Address(
          Rtnetlink.AF_INET6, a.prefix(), Rtnetlink.IFA_F_NODAD, bytes, null, null);
    }
    byte[] broadcast = null;
    if (a.prefix() < POINT_TO_POINT) {
      broadcast = bytes.clone();
      for (int bit = a.prefix(); bit < IPV4_BYTES * 8; bit++) {
        broadcast[bit / 8] |= (byte) (0x80 >> bit % 8);
      }
    }
    return new Rtnetlink.Address(Rtnetlink.AF_INET, a.prefix(), 0, bytes, bytes, broadcast);
  }

  private static void addRoute(RouteSocket routes, long index, LinkText.Route r, LinkText link)
      throws Failure {
    byte[] to = r.destination();
    long result =
        routes.ask(
            Rtnetlink.addRoute(index, to, r.prefix(), r.gateway(), r.scope(), r.metric(), false));
    if (result == -Errno.ENETUNREACH || result == -Errno.EHOSTUNREACH) {
      // The gateway is in no network of the interface's addresses.
      result =
          routes.ask(
              Rtnetlink.addRoute(index, to, r.prefix(), r.gateway(), r.scope(), r.metric(), true));
    }
    // An address brings the route to its network along.
    check(result == -Errno.EEXIST ? 0 : result, link, "add a route");
  }

  private static void check(long result, LinkText link, String what) throws Failure {
    if (result < 0) {
      throw new Failure(
          "the guest's interface \""
              + link.name()
              + "\": cannot "
              + what
              + ": "
              + Errno.text(-result));
    }
  }
}
