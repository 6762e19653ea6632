package dev.coracle.machine;

import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_RDWR;

import dev.coracle.abi.Bytes;
import dev.coracle.abi.NetworkDump;
import dev.coracle.abi.Rtnetlink;
import dev.coracle.abi.TrafficControl;
import dev.coracle.execute.Files;
import dev.coracle.execute.RouteSocket;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Gives the container's network to the guest: for each Ethernet interface of the namespace a tap,
 * to which all that comes in is redirected, and back. The interface keeps its addresses, which the
 * guest has too, with the same MAC: nobody outside sees a difference.
 */
final class Network {
  private static final int TUNSETIFF = 0x400454ca;
  private static final int IFREQ_BYTES = 40;
  private static final int NAME_BYTES = 16;
  private static final int IFF_TAP_NO_PI_VNET_HDR = 0x2 | 0x1000 | 0x4000;
  private static final int BUFFER_BYTES = 64 * 1024;
  private static final String TAP = "ctap";
  private static final String PORT_RANGE = "/proc/sys/net/ipv4/ip_local_port_range";

  /** Above those that a kernel takes by itself (linux v6.1 net/ipv4/af_inet.c). */
  private static final int FIRST_PORT = 0xf000;

  private static final int PORT_MASK = 0xfe00;
  private static final String OUR_PORTS = "61440 61951";
  private static final String HEX = "0123456789abcdef";

  private final Kernel k;
  private final byte[] buffer = new byte[BUFFER_BYTES];
  private final List<NetworkDump.Address> addresses = new ArrayList<>();
  private final List<NetworkDump.Route> routes = new ArrayList<>();
  private final List<NetworkDump.Link> links = new ArrayList<>();
  private final int socket;
  private final RouteSocket routeSocket;

  /**
   * An interface of the guest.
   *
   * @param tap the tap's descriptor
   * @param mac {@code 02:42:...}
   * @param description what the guest is told (docs/vm-protocol.md, LINK)
   */
  record Interface(int tap, String mac, String description) {
    /** What the guest is told where the interface has another MAC by now. */
    String description(@Nullable String now) {
      int end = description.indexOf('\n');
      return now == null
          ? description
          : description.substring(0, end) + " " + now.replace(":", "") + description.substring(end);
    }
  }

  /** What was made of a namespace; {@code problem} is why it could not be. */
  record Made(List<Interface> interfaces, @Nullable String problem) {}

  private Network(Kernel k, int socket) {
    this.k = k;
    this.socket = socket;
    this.routeSocket = RouteSocket.of(k, socket);
  }

  /** Takes the interfaces of the namespace that we are in. */
  static Made take(Kernel k) {
    long fd = RouteSocket.open(k);
    return fd < 0
        ? new Made(List.of(), "cannot look at the network: " + k.explain(fd))
        : new Network(k, (int) fd).take();
  }

  private Made take() {
    long result = dump(NetworkDump.getLinks());
    if (result >= 0) {
      result = dump(NetworkDump.getAddresses());
    }
    if (result >= 0) {
      result = dump(NetworkDump.getRoutes());
    }
    if (result < 0) {
      return failed("cannot look at the network", result);
    }
    List<Interface> out = new ArrayList<>();
    for (int i = 0; i < links.size(); i++) {
      NetworkDump.Link link = links.get(i);
      String name = TAP + i;
      long tap = makeTap(name, link);
      if (tap < 0) {
        return failed("cannot give interface \"" + link.name() + "\" to the guest", tap);
      }
      out.add(new Interface((int) tap, mac(link.mac()), description(link)));
    }
    long closed = k.close(socket);
    return closed < 0 ? failed("cannot close", closed) : new Made(out, null);
  }

  /**
   * Lets in here what servers of DNS answer: Docker's own server asks them from this namespace for
   * names that it does not know, and all that comes in goes to the guest. So its questions come
   * from ports that the guest does not use by itself, and their answers stay.
   */
  static @Nullable String shareAnswers(Kernel k) {
    long fd = RouteSocket.open(k);
    long result = fd < 0 ? fd : new Network(k, (int) fd).shareAnswers();
    long closed = fd < 0 ? 0 : k.close((int) fd);
    return result < 0 || closed < 0
        ? "cannot let the answers of DNS in: " + k.explain(Math.min(result, closed))
        : null;
  }

  private long shareAnswers() {
    long result = Files.writeKernelFile(k, AT_FDCWD, PORT_RANGE, OUR_PORTS, 0);
    if (result >= 0) {
      result = dump(NetworkDump.getLinks());
    }
    int count = 0;
    for (int i = 0; i < links.size() && result >= 0; i++) {
      if (links.get(i).name().startsWith(TAP)) {
        continue;
      }
      long index = links.get(i).index();
      long tap = routeSocket.find(TAP + count++);
      result = tap < 0 ? tap : routeSocket.ask(TrafficControl.mirrorArp(index, tap));
      if (result >= 0) {
        result = routeSocket.ask(TrafficControl.keepUdpAnswers(index, FIRST_PORT, PORT_MASK));
      }
      if (result >= 0) {
        result = routeSocket.ask(TrafficControl.keepTcpAnswers(index, FIRST_PORT, PORT_MASK));
      }
    }
    return result;
  }

  private Made failed(String what, long result) {
    return new Made(List.of(), what + ": " + k.explain(result));
  }

  /** Asks for all of a kind, and keeps what is of use. */
  private long dump(byte[] request) {
    long result = k.write(socket, request, 0, request.length);
    while (result >= 0) {
      result = k.read(socket, buffer, 0, buffer.length);
      if (result == -Errno.EINTR) {
        result = 0;
        continue;
      }
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
        NetworkDump.collectLink(buffer, at, links);
        NetworkDump.collectAddress(buffer, at, addresses);
        NetworkDump.collectRoute(buffer, at, routes);
      }
    }
    return result;
  }

  private long makeTap(String name, NetworkDump.Link link) {
    long tap = k.openat2(AT_FDCWD, "/dev/net/tun", O_RDWR | O_CLOEXEC, 0, 0);
    if (tap < 0) {
      return tap;
    }
    byte[] ifreq = new byte[IFREQ_BYTES];
    byte[] bytes = Bytes.utf8(name);
    System.arraycopy(bytes, 0, ifreq, 0, bytes.length);
    Bytes.put16(ifreq, NAME_BYTES, IFF_TAP_NO_PI_VNET_HDR);
    long result = k.ioctlStruct((int) tap, TUNSETIFF, ifreq);
    long index = result < 0 ? result : routeSocket.find(name);
    if (index < 0) {
      return index;
    }
    result = routeSocket.ask(Rtnetlink.setMtu(index, link.mtu()));
    if (result >= 0) {
      result = routeSocket.ask(Rtnetlink.setUp(index));
    }
    if (result >= 0) {
      result = redirect(link.index(), index);
    }
    if (result >= 0) {
      result = redirect(index, link.index());
    }
    return result < 0 ? result : tap;
  }

  private long redirect(long from, long to) {
    long result = routeSocket.ask(TrafficControl.addIngress(from));
    if (result == -Errno.EEXIST) {
      // A machine that was in this namespace before has left it, to a tap that is no more.
      result = routeSocket.ask(TrafficControl.removeIngress(from));
      result = result < 0 ? result : routeSocket.ask(TrafficControl.addIngress(from));
    }
    if (result >= 0) {
      result = routeSocket.ask(TrafficControl.redirect(from, to));
    }
    return result == -Errno.ENOENT
        ? routeSocket.ask(TrafficControl.redirectByMatchall(from, to))
        : result;
  }

  private String description(NetworkDump.Link link) {
    StringBuilder out = new StringBuilder();
    hex(out, link.mac());
    out.append(' ').append(link.name()).append(' ').append(link.mtu()).append('\n');
    for (NetworkDump.Address a : addresses) {
      if (a.index() == link.index()) {
        hex(out.append("address "), a.bytes());
        out.append('/').append(a.prefix()).append('\n');
      }
    }
    // Those without a gateway first: the others lead through them.
    for (int pass = 0; pass < 2; pass++) {
      for (NetworkDump.Route r : routes) {
        if (r.index() == link.index() && (r.gateway() == null) == (pass == 0)) {
          route(out, r);
        }
      }
    }
    return out.toString();
  }

  private static void route(StringBuilder out, NetworkDump.Route r) {
    hex(out.append("route "), r.destination());
    out.append('/').append(r.prefix()).append(' ');
    byte[] gateway = r.gateway();
    if (gateway == null) {
      out.append('-');
    } else {
      hex(out, gateway);
    }
    out.append(' ').append(r.scope()).append(' ').append(r.metric()).append('\n');
  }

  private static void hex(StringBuilder out, byte[] bytes) {
    for (byte b : bytes) {
      out.append(HEX.charAt(b >> 4 & 15)).append(HEX.charAt(b & 15));
    }
  }

  private static String mac(byte[] bytes) {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < bytes.length; i++) {
      out.append(i == 0 ? "" : ":").append(HEX.charAt(bytes[i] >> 4 & 15));
      out.append(HEX.charAt(bytes[i] & 15));
    }
    return out.toString();
  }
}
