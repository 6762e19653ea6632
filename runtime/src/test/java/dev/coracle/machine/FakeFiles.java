package dev.coracle.machine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.abi.Bytes;
import dev.coracle.kernel.Errno;
import dev.coracle.vm.Fuse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Files as virtiofsd of QEMU serves them: a node is there from its first LOOKUP until all are
 * forgotten, and numbers of nodes, of files and of directories are used again.
 */
final class FakeFiles {
  private static final int EMFILE = 24;

  /** The answer to INIT. */
  final byte[] init = new byte[80];

  boolean refuseOpen;
  private final List<String> paths;
  private final long firstNode;
  private final long firstHandle;
  private final Map<Long, String> nodes = new TreeMap<>();
  private final Map<Long, Long> counts = new TreeMap<>();
  private final Map<Long, String> files = new TreeMap<>();
  private final Map<Long, String> directories = new TreeMap<>();
  private String said = "";

  /** Its first node and handle have these numbers; a path that ends with / is a directory. */
  FakeFiles(long firstNode, long firstHandle, String... paths) {
    this.firstNode = firstNode;
    this.firstHandle = firstHandle;
    this.paths = new ArrayList<>(List.of(paths));
    nodes.put(1L, "");
    Bytes.put32(init, 16, 7);
    Bytes.put32(init, 20, 36);
    Bytes.put32(init, 28, 0x1234);
    Bytes.put32(init, 36, 1 << 20);
  }

  /** What was asked for last. */
  String said() {
    return said;
  }

  /** Paths that a guest knows, and how often. */
  List<String> counts() {
    List<String> out = new ArrayList<>();
    counts.forEach((node, count) -> out.add(nodes.get(node) + " " + count));
    out.sort(null);
    return out;
  }

  private static long free(Map<Long, String> numbers, long first) {
    long out = first;
    while (numbers.containsKey(out)) {
      out++;
    }
    return out;
  }

  private static byte[] error(int errno) {
    byte[] out = new byte[16];
    Bytes.put32(out, 4, -errno);
    return out;
  }

  /** The answer, but for its length and its number. */
  byte[] answer(byte[] request) {
    int opcode = (int) Bytes.u32(request, 4);
    long node = Bytes.i64(request, 16);
    String path = nodes.getOrDefault(node, "?" + node);
    switch (opcode) {
      case Fuse.INIT -> {
        said = "INIT";
        return init.clone();
      }
      case Fuse.LOOKUP -> {
        String name = new String(request, 40, request.length - 41, StandardCharsets.UTF_8);
        said = "LOOKUP " + (path.isEmpty() ? "1" : path) + " " + name;
        return lookup(path + name);
      }
      case Fuse.BATCH_FORGET -> {
        said = "FORGET";
        for (int i = 0; i < Bytes.u32(request, 40); i++) {
          said += " " + forget(Bytes.i64(request, 48 + 16 * i), Bytes.i64(request, 56 + 16 * i));
        }
        return new byte[0];
      }
      case Fuse.OPEN, Fuse.OPENDIR -> {
        boolean directory = opcode == Fuse.OPENDIR;
        said = "OPEN" + (directory ? "DIR " : " ") + path + " ";
        said += Long.toHexString(Bytes.u32(request, 40));
        if (refuseOpen) {
          return error(Errno.EACCES);
        }
        Map<Long, String> handles = directory ? directories : files;
        long handle = free(handles, firstHandle);
        handles.put(handle, path);
        byte[] out = new byte[32];
        Bytes.put64(out, 16, handle);
        return out;
      }
      case Fuse.GETATTR -> {
        said = "GETATTR " + path;
        return nodes.containsKey(node) ? new byte[120] : error(Errno.EBADF);
      }
      case Fuse.FLUSH -> said = "FLUSH " + files.get(Bytes.i64(request, 40));
      case Fuse.RELEASE -> said = "RELEASE " + files.remove(Bytes.i64(request, 40));
      case Fuse.FSYNCDIR -> said = "FSYNCDIR " + directories.get(Bytes.i64(request, 40));
      case Fuse.READDIRPLUS -> {
        said = "READDIRPLUS " + directories.get(Bytes.i64(request, 40)) + " ";
        said += Bytes.u32(request, 56);
        return entries(path);
      }
      default -> throw new UnsupportedOperationException("opcode " + opcode);
    }
    return new byte[16];
  }

  private byte[] entries(String directory) {
    byte[] out = new byte[16];
    for (String path : paths) {
      if (path.startsWith(directory) && path.length() > directory.length()) {
        int at = out.length;
        byte[] entry = lookup(path);
        out = Arrays.copyOf(out, at + 160);
        System.arraycopy(entry, 16, out, at, 128);
        Bytes.put32(out, at + 144, 1);
        out[at + 152] = (byte) path.charAt(directory.length());
      }
    }
    return out;
  }

  private byte[] lookup(String path) {
    if (path.equals("full")) {
      return error(EMFILE);
    }
    String found = paths.contains(path) ? path : path + "/";
    if (!paths.contains(found)) {
      return error(Errno.ENOENT);
    }
    long node = free(nodes, firstNode);
    for (Map.Entry<Long, String> known : nodes.entrySet()) {
      node = known.getValue().equals(found) ? known.getKey() : node;
    }
    nodes.put(node, found);
    counts.merge(node, 1L, Long::sum);
    byte[] out = new byte[144];
    Bytes.put64(out, 16, node);
    return out;
  }

  private String forget(long node, long count) {
    long left = counts.getOrDefault(node, 0L) - count;
    assertThat(left).as("lookups of " + node).isNotNegative();
    String path = nodes.getOrDefault(node, "?");
    counts.put(node, left);
    if (left == 0) {
      counts.remove(node);
      nodes.remove(node);
    }
    return path;
  }
}
