package dev.coracle.vm;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A network interface as a host describes it to its guest (docs/vm-protocol.md, LINK).
 *
 * @param mac 6 bytes
 * @param name what it is called in the guest
 * @param mtu 0 where it stays as it is
 * @param now the MAC that it has by now, by which it is found
 */
public record LinkText(
    byte[] mac, String name, int mtu, byte[] now, List<Address> addresses, List<Route> routes) {
  private static final int MAC_BYTES = 6;
  private static final int MOST_NAME = 15; // IFNAMSIZ without the NUL byte
  private static final int MOST_DIGITS = 10;
  private static final long NO_NUMBER = -1;

  /** An address of it, of 4 or 16 bytes. */
  public record Address(byte[] bytes, int prefix) {}

  /**
   * A route by it.
   *
   * @param gateway null for none
   * @param scope RT_SCOPE_* of rtnetlink(7)
   * @param metric 0 for none
   */
  public record Route(
      byte[] destination, int prefix, byte @Nullable [] gateway, int scope, long metric) {}

  /** The interface, or null where the text is none. */
  public static @Nullable LinkText parse(String text) {
    List<String> lines = split(text, '\n');
    List<String> first = split(lines.get(0), ' ');
    boolean three = first.size() == 3;
    boolean four = first.size() == 4;
    byte[] mac = three || four ? bytes(first.get(0)) : null;
    byte[] now = four ? bytes(first.get(3)) : mac;
    long mtu = three || four ? number(first.get(2), Integer.MAX_VALUE) : NO_NUMBER;
    if (mac == null || mac.length != MAC_BYTES || mtu < 0) {
      return null;
    }
    if (now == null || now.length != MAC_BYTES) {
      return null;
    }
    String name = first.get(1);
    if (name.isEmpty() || name.length() > MOST_NAME) {
      return null;
    }
    List<Address> addresses = new ArrayList<>();
    List<Route> routes = new ArrayList<>();
    for (String line : lines.subList(1, lines.size())) {
      List<String> words = split(line, ' ');
      boolean good =
          switch (words.get(0)) {
            case "" -> words.size() == 1;
            case "address" -> words.size() == 2 && addAddress(words.get(1), addresses);
            case "route" -> words.size() == 5 && addRoute(words, routes);
            default -> false;
          };
      if (!good) {
        return null;
      }
    }
    return new LinkText(mac, name, (int) mtu, now, addresses, routes);
  }

  private static boolean addAddress(String text, List<Address> to) {
    Address address = prefixed(text);
    return address != null && to.add(address);
  }

  private static boolean addRoute(List<String> words, List<Route> to) {
    Address destination = prefixed(words.get(1));
    boolean direct = words.get(2).equals("-");
    byte[] gateway = direct ? null : bytes(words.get(2));
    long scope = number(words.get(3), 255);
    long metric = number(words.get(4), 0xffffffffL);
    if (destination == null || scope < 0 || metric < 0) {
      return false;
    }
    if (!direct && (gateway == null || gateway.length != destination.bytes().length)) {
      return false;
    }
    return to.add(
        new Route(destination.bytes(), destination.prefix(), gateway, (int) scope, metric));
  }

  private static @Nullable Address prefixed(String text) {
    int slash = text.indexOf('/');
    byte[] bytes = slash < 0 ? null : bytes(text.substring(0, slash));
    if (bytes == null || bytes.length != 4 && bytes.length != 16) {
      return null;
    }
    long prefix = number(text.substring(slash + 1), bytes.length * 8L);
    return prefix < 0 ? null : new Address(bytes, (int) prefix);
  }

  private static byte @Nullable [] bytes(String digits) {
    if (digits.isEmpty() || digits.length() % 2 != 0) {
      return null;
    }
    byte[] out = new byte[digits.length() / 2];
    for (int i = 0; i < out.length; i++) {
      int high = Character.digit(digits.charAt(2 * i), 16);
      int low = Character.digit(digits.charAt(2 * i + 1), 16);
      if (high < 0 || low < 0) {
        return null;
      }
      out[i] = (byte) (high << 4 | low);
    }
    return out;
  }

  private static long number(String digits, long most) {
    long value = digits.isEmpty() || digits.length() > MOST_DIGITS ? NO_NUMBER : 0;
    for (int i = 0; i < digits.length() && value >= 0; i++) {
      char c = digits.charAt(i);
      value = c >= '0' && c <= '9' ? value * 10 + c - '0' : NO_NUMBER;
    }
    return value > most ? NO_NUMBER : value;
  }

  private static List<String> split(String text, char at) {
    List<String> out = new ArrayList<>();
    int from = 0;
    int to = text.indexOf(at);
    while (to >= 0) {
      out.add(text.substring(from, to));
      from = to + 1;
      to = text.indexOf(at, from);
    }
    out.add(text.substring(from));
    return out;
  }
}
