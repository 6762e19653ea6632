package dev.coracle.guest;

import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_CREAT;
import static dev.coracle.abi.Fcntl.O_RDWR;
import static dev.coracle.abi.Fcntl.O_WRONLY;
import static dev.coracle.abi.Mount.MS_BIND;
import static dev.coracle.abi.Mount.MS_REC;
import static dev.coracle.abi.Process.CLOCK_REALTIME;

import dev.coracle.abi.Bytes;
import dev.coracle.execute.Files;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.sandbox.GuestSandbox;
import dev.coracle.vm.RequestReader;
import dev.coracle.vm.RequestReader.Part;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The machine as the host has described it, set up.
 *
 * @param name the container's id
 * @param problem why it could not be set up; null where it was
 */
record Machine(String name, @Nullable String problem) {
  static final String STATE = "/run/coracle/state";
  static final String BUNDLE = "/run/coracle/bundle";

  private static final int RNDADDENTROPY = 0x40085203;
  private static final int BITS_PER_BYTE = 8;
  private static final int POOL_HEADER_BYTES = 8;

  /** Sets it up by the request of session 0. */
  static Machine setUp(Kernel k, RequestReader request) {
    List<Part> parts = request.parts();
    if (parts == null) {
      return new Machine("", "the machine's request is broken");
    }
    String name = "";
    String problem = directories(k);
    for (Part part : parts) {
      if (problem != null) {
        break;
      }
      switch (part.field()) {
        case NAME -> name = request.text(part);
        case CONFIG -> problem = config(k, request, part);
        case CLOCK -> problem = clock(k, request, part);
        case SEED -> problem = seed(k, request, part);
        case ROOT -> problem = root(k, request.text(part));
        case LINK, DISK, RESOLVER, SOCKET, OPTION ->
            problem = "this guest knows no " + part.field() + " in a request";
        case ARGUMENT, PROCESS, TERMINAL -> problem = part.field() + " is no field of a machine";
      }
    }
    if (problem == null) {
      problem = Links.setUpLoopback(k);
    }
    if (problem == null && name.isEmpty()) {
      problem = "the machine has no name";
    }
    return new Machine(name, problem);
  }

  private static @Nullable String directories(Kernel k) {
    long result = 0;
    for (String path :
        List.of("/run/coracle", STATE, BUNDLE, GuestSandbox.FILES, GuestSandbox.ROOT)) {
      if (result >= 0) {
        result = k.mkdirat(AT_FDCWD, path, 0700);
      }
    }
    return result < 0 ? "cannot make directories: " + k.explain(result) : null;
  }

  private static @Nullable String config(Kernel k, RequestReader request, Part part) {
    long result = write(k, BUNDLE + "/config.json", request.bytes(), part.at(), part.length());
    return result < 0 ? "cannot write config.json: " + k.explain(result) : null;
  }

  /** Writes a file that is not there yet. */
  static long write(Kernel k, String path, byte[] bytes, int at, int length) {
    long fd = k.openat2(AT_FDCWD, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600, 0);
    if (fd < 0) {
      return fd;
    }
    long result = Files.writeAll(k, (int) fd, bytes, at, at + length);
    long closed = k.close((int) fd);
    return result < 0 ? result : closed;
  }

  private static @Nullable String clock(Kernel k, RequestReader request, Part part) {
    if (part.length() != 8) {
      return "CLOCK has not 8 bytes";
    }
    long result = k.clock_settime(CLOCK_REALTIME, Bytes.i64(request.bytes(), part.at()));
    return result < 0 ? "cannot set the clock: " + k.explain(result) : null;
  }

  /** Puts random bytes of the host into the guest's pool, and has them counted (random(4)). */
  private static @Nullable String seed(Kernel k, RequestReader request, Part part) {
    byte[] pool = new byte[POOL_HEADER_BYTES + part.length()];
    Bytes.put32(pool, 0, (long) part.length() * BITS_PER_BYTE);
    Bytes.put32(pool, 4, part.length());
    System.arraycopy(request.bytes(), part.at(), pool, POOL_HEADER_BYTES, part.length());
    long fd = k.openat2(AT_FDCWD, "/dev/urandom", O_RDWR | O_CLOEXEC, 0, 0);
    long result = fd < 0 ? fd : k.ioctlStruct((int) fd, RNDADDENTROPY, pool);
    if (fd >= 0 && k.close((int) fd) < 0) {
      result = -Errno.EBADF;
    }
    return result < 0 ? "cannot seed the random pool: " + k.explain(result) : null;
  }

  private static @Nullable String root(Kernel k, String text) {
    int colon = text.indexOf(':');
    String kind = colon < 0 ? text : text.substring(0, colon);
    if (!kind.equals("virtiofs")) {
      return "this guest knows no root \"" + text + "\"";
    }
    String tag = text.substring(colon + 1);
    long result = k.mount(tag, GuestSandbox.FILES, "virtiofs", 0, null);
    if (result >= 0) {
      result = k.mount(GuestSandbox.FILES, GuestSandbox.ROOT, null, MS_BIND | MS_REC, null);
    }
    return result < 0 ? "cannot mount the root filesystem: " + k.explain(result) : null;
  }
}
