package dev.coracle.it.harness;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.util.List;

/**
 * A DNS server that says of each name that its address is 203.0.113.9; a program of its own, for a
 * network namespace of its own.
 */
public final class NameServer {
  private static final int PORT = 53;
  private static final int HEADER_BYTES = 12;
  private static final int TYPE_AND_CLASS_BYTES = 4;

  /** A pointer to the name in the question, type A, class IN, 60 s, and 4 bytes of address. */
  private static final byte[] ADDRESS = {
    (byte) 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, (byte) 203, 0, 113, 9
  };

  private NameServer() {}

  /** Its command line at an address. */
  public static List<String> command(String address) {
    return List.of(
        System.getProperty("java.home") + "/bin/java",
        "-cp",
        System.getProperty("java.class.path"),
        NameServer.class.getName(),
        address);
  }

  /** Answers until it is killed. */
  public static void main(String[] args) throws IOException {
    byte[] buffer = new byte[1024];
    try (DatagramSocket socket = new DatagramSocket(PORT, InetAddress.getByName(args[0]))) {
      System.out.println("ready");
      while (true) {
        DatagramPacket packet = new DatagramPacket(buffer, 512);
        socket.receive(packet);
        packet.setLength(answer(buffer));
        socket.send(packet);
      }
    }
  }

  /** Makes an answer of a question in its place, and returns its length. */
  private static int answer(byte[] b) {
    int at = HEADER_BYTES;
    while (b[at] != 0) {
      at += b[at] + 1;
    }
    boolean isForAddress = b[at + 1] == 0 && b[at + 2] == 1;
    at += 1 + TYPE_AND_CLASS_BYTES;
    b[2] = (byte) 0x81;
    b[3] = (byte) 0x80;
    b[7] = (byte) (isForAddress ? 1 : 0);
    b[11] = 0;
    if (isForAddress) {
      System.arraycopy(ADDRESS, 0, b, at, ADDRESS.length);
      at += ADDRESS.length;
    }
    return at;
  }
}
