package dev.coracle.guest;

import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_CREAT;
import static dev.coracle.abi.Fcntl.O_NONBLOCK;
import static dev.coracle.abi.Fcntl.O_TRUNC;
import static dev.coracle.abi.Fcntl.O_WRONLY;
import static dev.coracle.abi.Process.AF_UNIX;
import static dev.coracle.abi.Process.CLOCK_REALTIME;
import static dev.coracle.abi.Process.SOCK_CLOEXEC;
import static dev.coracle.abi.Process.SOCK_STREAM;

import dev.coracle.abi.Bytes;
import dev.coracle.execute.Files;
import dev.coracle.kernel.DescribingKernel;
import dev.coracle.kernel.Kernel;
import dev.coracle.lifecycle.Failure;
import dev.coracle.sandbox.GuestSandbox;
import dev.coracle.vm.Frame;
import dev.coracle.vm.RequestReader;
import dev.coracle.vm.RequestReader.Part;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Sets the machine up as the host describes it in the request of session 0. */
final class Machine {
  static final String DIRECTORY = "/run/coracle";
  static final String STATE = DIRECTORY + "/state";
  static final String BUNDLE = DIRECTORY + "/bundle";
  private static final String NAME = DIRECTORY + "/name";
  private static final int MOST_NAME = 1024;

  private static final long RNDADDENTROPY = 0x40085203;
  private static final long RNDRESEEDCRNG = 0x5207;
  private static final int BITS_PER_BYTE = 8;
  private static final int POOL_HEADER_BYTES = 8;
  private static final int CLOCK_BYTES = 8;
  private static final int FRESH_BYTES = 32;

  /** Of a SOCKET: the number of its mount, its mode and its owners, 4 bytes each. */
  private static final int SOCKET_BYTES = 16;

  private static final int PERMISSIONS = 0777;

  private final DescribingKernel k;
  private final RequestReader request;
  private final Links links;
  private final Disks disks;
  private boolean named;
  private boolean listens;

  /** The way to the agent, which takes sockets; −1 for none. */
  private int control = -1;

  Machine(DescribingKernel k, RequestReader request) {
    this.k = k;
    this.request = request;
    this.links = new Links(k);
    this.disks = new Disks(k);
  }

  /**
   * Does all that the fields say.
   *
   * @param agent the way to the agent
   */
  void setUp(List<Part> parts, int agent) throws Failure {
    control = agent;
    make(DIRECTORY);
    make(STATE);
    make(BUNDLE);
    links.setUpLoopback();
    apply(parts);
    if (!named) {
      throw new Failure("the machine's request has no NAME");
    }
  }

  /**
   * Makes what was copied of another machine this one's own (docs/vm-protocol.md, RESEED).
   *
   * @return why it cannot; null where it can
   */
  static @Nullable String refresh(DescribingKernel k, byte[] bytes, int at, int length) {
    RequestReader request = new RequestReader();
    int head = CLOCK_BYTES + FRESH_BYTES;
    List<Part> parts = null;
    if (length >= head && request.take(bytes, at + head, length - head)) {
      parts = request.parts();
    }
    if (parts == null) {
      return "the host's RESEED is broken";
    }
    try {
      setClock(k, Bytes.i64(bytes, at));
      seed(k, bytes, at + CLOCK_BYTES, FRESH_BYTES);
      Machine machine = new Machine(k, request);
      machine.apply(parts);
      return null;
    } catch (Failure failure) {
      return failure.getMessage();
    }
  }

  /** Does what the fields say. */
  private void apply(List<Part> parts) throws Failure {
    for (Part part : parts) {
      switch (part.field()) {
        case NAME -> {
          writeFile(NAME, part);
          named = true;
        }
        case CONFIG -> writeFile(BUNDLE + "/config.json", part);
        case CLOCK -> setClock(part);
        case SEED -> seed(part);
        case ROOT -> disks.mountRoot(request.text(part));
        case LINK -> links.setUp(request.text(part));
        case DISK -> disks.mount(request.text(part));
        case OPTION -> option(request.text(part));
        case SOCKET -> listen(part);
        case ARGUMENT, PROCESS, TERMINAL ->
            throw new Failure(
                "the request has a field " + part.field() + ", which is not a machine's");
      }
    }
  }

  /** Makes a socket that stands for one of the host, and hands it to the agent. */
  private void listen(Part part) throws Failure {
    if (control < 0 || part.length() != SOCKET_BYTES) {
      throw new Failure("the machine's SOCKET is broken");
    }
    if (!listens) {
      make(GuestSandbox.SOCKETS);
      listens = true;
    }
    byte[] bytes = request.bytes();
    String path = GuestSandbox.socket((int) Bytes.u32(bytes, part.at()));
    // bind(2) gives it all permissions but those of the mask.
    long mask = k.umask(~Bytes.u32(bytes, part.at() + 4) & PERMISSIONS);
    check(k, mask, "set the mask of a socket");
    long fd = k.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | O_NONBLOCK, 0);
    check(k, fd, "make a socket");
    check(k, k.bindUnix((int) fd, path), "bind a socket");
    check(k, k.umask(mask), "set the mask again");
    long uid = Bytes.u32(bytes, part.at() + 8);
    long gid = Bytes.u32(bytes, part.at() + 12);
    check(k, k.fchownat(AT_FDCWD, path, uid, gid, 0), "give a socket its owner");
    check(k, k.listen((int) fd, Frame.MOST_CONNECTIONS), "listen at a socket");
    check(k, k.sendDescriptor(control, "L", (int) fd), "pass a socket");
    check(k, k.close((int) fd), "close a socket");
  }

  /** The container's id, in a machine that is set up. */
  static String name(Kernel k) throws Failure {
    Files.Read read = Files.read(k, NAME, MOST_NAME);
    Files.Content content = read.content();
    if (content == null) {
      throw new Failure("cannot read the machine's name: " + k.explain(read.errno()));
    }
    return content.text();
  }

  private void make(String directory) throws Failure {
    check(k, k.mkdirat(AT_FDCWD, directory, 0700), "make " + directory);
  }

  private void writeFile(String path, Part part) throws Failure {
    check(k, write(k, path, request.bytes(), part.at(), part.length()), "write " + path);
  }

  /** Writes a whole file. */
  static long write(Kernel k, String path, byte[] bytes, int at, int length) {
    long fd = k.openat2(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600, 0);
    if (fd < 0) {
      return fd;
    }
    long result = Files.writeAll(k, (int) fd, bytes, at, at + length);
    long closed = k.close((int) fd);
    return result < 0 ? result : closed;
  }

  private void setClock(Part part) throws Failure {
    if (part.length() != CLOCK_BYTES) {
      throw new Failure("the machine's CLOCK has not 8 bytes");
    }
    setClock(k, Bytes.i64(request.bytes(), part.at()));
  }

  private static void setClock(Kernel k, long nanos) throws Failure {
    check(k, k.clock_settime(CLOCK_REALTIME, nanos), "set the clock");
  }

  private void seed(Part part) throws Failure {
    seed(k, request.bytes(), part.at(), part.length());
  }

  /** Puts random bytes of the host into the guest's pool, and has them counted (random(4)). */
  private static void seed(Kernel k, byte[] bytes, int at, int length) throws Failure {
    byte[] pool = new byte[POOL_HEADER_BYTES + length];
    Bytes.put32(pool, 0, (long) length * BITS_PER_BYTE);
    Bytes.put32(pool, 4, length);
    System.arraycopy(bytes, at, pool, POOL_HEADER_BYTES, length);
    long fd = k.openat2(AT_FDCWD, "/dev/urandom", O_WRONLY | O_CLOEXEC, 0, 0);
    check(k, fd, "open the random pool");
    long result = k.ioctlStruct((int) fd, RNDADDENTROPY, pool);
    if (result >= 0) {
      // At once: in a machine that was cloned the generator runs already, as all its copies do.
      result = k.ioctl((int) fd, RNDRESEEDCRNG, 0);
    }
    check(k, result, "seed the random pool");
    check(k, k.close((int) fd), "close the random pool");
  }

  /** {@code sysctl.NAME=VALUE} sets a parameter of the guest's kernel. */
  private void option(String text) throws Failure {
    int equals = text.indexOf('=');
    String name = equals < 0 ? text : text.substring(0, equals);
    if (equals < 0 || !name.startsWith("sysctl.")) {
      throw new Failure("the guest has no option \"" + name + "\"");
    }
    String path = "/proc/sys/" + name.substring(7).replace('.', '/');
    long result = Files.writeKernelFile(k, AT_FDCWD, path, text.substring(equals + 1), 0);
    check(k, result, "set " + name.substring(7));
  }

  /** Fails where a call did. */
  static void check(Kernel k, long result, String what) throws Failure {
    if (result < 0) {
      throw new Failure("the guest cannot " + what + ": " + k.explain(result));
    }
  }
}
