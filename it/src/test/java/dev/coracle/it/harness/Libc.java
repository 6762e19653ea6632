package dev.coracle.it.harness;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** The few calls of libc that Java has no words for; they return what libc returns. */
public final class Libc {
  public static final int WNOHANG = 1;
  public static final int SIGKILL = 9;
  public static final int SIGTERM = 15;

  private static final int PR_SET_CHILD_SUBREAPER = 36;
  private static final int AF_UNIX = 1;
  private static final int SOCK_STREAM = 1;
  private static final int SOCK_CLOEXEC = 02000000;
  private static final int MSG_CMSG_CLOEXEC = 0x40000000;
  private static final short POLLIN = 1;
  private static final long SECCOMP_IOCTL_NOTIF_RECV = 0xc0502100L;
  private static final long SECCOMP_IOCTL_NOTIF_SEND = 0xc0182101L;

  private static final Linker LINKER = Linker.nativeLinker();
  private static final MethodHandle PRCTL =
      function("prctl", JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
  private static final MethodHandle WAITPID =
      function("waitpid", JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT);
  private static final MethodHandle WAITID =
      function("waitid", JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT);
  private static final MethodHandle KILL = function("kill", JAVA_INT, JAVA_INT, JAVA_INT);
  private static final MethodHandle SOCKET =
      function("socket", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT);
  private static final MethodHandle BIND = function("bind", JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT);
  private static final MethodHandle LISTEN = function("listen", JAVA_INT, JAVA_INT, JAVA_INT);
  private static final MethodHandle ACCEPT =
      function("accept", JAVA_INT, JAVA_INT, ADDRESS, ADDRESS);
  private static final MethodHandle RECVMSG =
      function("recvmsg", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT);
  private static final MethodHandle READ =
      function("read", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG);
  private static final MethodHandle WRITE =
      function("write", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG);
  private static final MethodHandle CLOSE = function("close", JAVA_INT, JAVA_INT);
  private static final MethodHandle POLL = function("poll", JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT);
  private static final MethodHandle IOCTL =
      function("ioctl", JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS);
  private static final MethodHandle UMOUNT2 = function("umount2", JAVA_INT, ADDRESS, JAVA_INT);
  private static final MethodHandle OPEN = function("open", JAVA_INT, ADDRESS, JAVA_INT);
  private static final MethodHandle SYSCALL =
      function("syscall", JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_LONG, ADDRESS, JAVA_LONG);

  private Libc() {}

  @SuppressWarnings("restricted") // calls of libc are what this class is for
  private static MethodHandle function(
      String name,
      java.lang.foreign.MemoryLayout returns,
      java.lang.foreign.MemoryLayout... arguments) {
    return LINKER.downcallHandle(
        LINKER.defaultLookup().findOrThrow(name), FunctionDescriptor.of(returns, arguments));
  }

  private static long call(MethodHandle function, Object... arguments) {
    try {
      return ((Number) function.invokeWithArguments(arguments)).longValue();
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  /** Makes this JVM the parent of orphaned descendants: prctl(2). */
  public static void becomeSubreaper() {
    check(call(PRCTL, PR_SET_CHILD_SUBREAPER, 1L, 0L, 0L, 0L), "prctl");
  }

  /** An exit status as a shell tells it, or -1 while it runs, or -2 if it is not our child. */
  public static int exitCodeIfEnded(int pid) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment status = arena.allocate(JAVA_INT);
      int ended = (int) call(WAITPID, pid, status, WNOHANG);
      if (ended <= 0) {
        return ended == 0 ? -1 : -2;
      }
      int word = status.get(JAVA_INT, 0);
      int signal = word & 0x7f;
      return signal == 0 ? (word >> 8) & 0xff : 128 + signal;
    }
  }

  /** Waits for any child to end and leaves it as it is; 0 if there is none. */
  static int anyEndedChild() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment info = arena.allocate(128, 8);
      int flags = 4 /* WEXITED */ | 0x01000000 /* WNOWAIT */;
      return call(WAITID, 0 /* P_ALL */, 0, info, flags) < 0 ? 0 : info.get(JAVA_INT, 16);
    }
  }

  public static int kill(int pid, int signal) {
    return (int) call(KILL, pid, signal);
  }

  /** Unmounts lazily; the tests' own clean-up. */
  public static int unmount(Path target) {
    try (Arena arena = Arena.ofConfined()) {
      return (int) call(UMOUNT2, arena.allocateFrom(target.toString()), 2 /* MNT_DETACH */);
    }
  }

  /** A listening socket at a path: unix(7). */
  public static int listen(Path path) {
    byte[] name = path.toString().getBytes(StandardCharsets.UTF_8);
    if (name.length > 107) {
      throw new IllegalArgumentException("longer than a socket's name may be: " + path);
    }
    int fd = (int) check(call(SOCKET, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment address = arena.allocate(110, 8);
      address.set(JAVA_SHORT, 0, (short) AF_UNIX);
      MemorySegment.copy(name, 0, address, JAVA_BYTE, 2, name.length);
      check(call(BIND, fd, address, 110), "bind");
    }
    check(call(LISTEN, fd, 4), "listen");
    return fd;
  }

  /** The next connection, or a failure when none comes in time. */
  public static int accept(int listening, int timeoutMillis) {
    if (!readable(listening, timeoutMillis)) {
      throw new AssertionError("nobody connected to the console socket");
    }
    return (int) check(call(ACCEPT, listening, MemorySegment.NULL, MemorySegment.NULL), "accept");
  }

  /** What came with a descriptor: its name, the length of its control message, and itself. */
  public record Received(String payload, long controlLength, int fd) {}

  /** Receives one message with one descriptor, room for exactly that, as conmon does. */
  public static Received receiveFd(int socket, int timeoutMillis) {
    if (!readable(socket, timeoutMillis)) {
      throw new AssertionError("nothing was sent to the console socket");
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment data = arena.allocate(4096);
      MemorySegment vector = arena.allocate(16, 8);
      vector.set(ADDRESS, 0, data);
      vector.set(JAVA_LONG, 8, 4096);
      MemorySegment control = arena.allocate(24, 8); // CMSG_SPACE(sizeof(int))
      MemorySegment message = arena.allocate(56, 8);
      message.set(ADDRESS, 16, vector);
      message.set(JAVA_LONG, 24, 1);
      message.set(ADDRESS, 32, control);
      message.set(JAVA_LONG, 40, 24);
      long length = check(call(RECVMSG, socket, message, MSG_CMSG_CLOEXEC), "recvmsg");
      byte[] payload = data.asSlice(0, length).toArray(JAVA_BYTE);
      return new Received(
          new String(payload, StandardCharsets.UTF_8),
          control.get(JAVA_LONG, 0),
          control.get(JAVA_INT, 16));
    }
  }

  /** A descriptor that reads a file, and is not given to programs. */
  public static int openForReading(Path path) {
    try (Arena arena = Arena.ofConfined()) {
      return (int) check(call(OPEN, arena.allocateFrom(path.toString()), SOCK_CLOEXEC), "open");
    }
  }

  /** Tries to make the mount of a file writable: mount_setattr(2); negative where it fails. */
  public static long clearReadOnly(int fd) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment attr = arena.allocate(32, 8);
      attr.set(JAVA_LONG, 8, 1); // attr_clr: MOUNT_ATTR_RDONLY
      MemorySegment empty = arena.allocateFrom("");
      return call(SYSCALL, 442L, (long) fd, empty, 0x1000L /* AT_EMPTY_PATH */, attr, 32L);
    }
  }

  /**
   * Answers the system call that a seccomp listener has (seccomp_unotify(2)): with an error, or
   * with a value where that is 0. False where there is nobody left who could make one.
   */
  public static boolean answerNotification(int listener, long value, int errno) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment call = arena.allocate(80, 8); // struct seccomp_notif
      if (call(IOCTL, listener, SECCOMP_IOCTL_NOTIF_RECV, call) < 0) {
        return false;
      }
      MemorySegment answer = arena.allocate(24, 8); // struct seccomp_notif_resp
      answer.set(JAVA_LONG, 0, call.get(JAVA_LONG, 0));
      answer.set(JAVA_LONG, 8, value);
      answer.set(JAVA_INT, 16, -errno);
      // Whoever made the call may have been killed meanwhile.
      return call(IOCTL, listener, SECCOMP_IOCTL_NOTIF_SEND, answer) == 0;
    }
  }

  public static boolean readable(int fd, int timeoutMillis) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment one = arena.allocate(8, 4);
      one.set(JAVA_INT, 0, fd);
      one.set(JAVA_SHORT, 4, POLLIN);
      return check(call(POLL, one, 1L, timeoutMillis), "poll") > 0;
    }
  }

  /** Reads what is there; null at the end (a terminal's end is an error, EIO). */
  public static byte @org.jspecify.annotations.Nullable [] read(int fd) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(4096);
      long length = call(READ, fd, buffer, 4096L);
      return length <= 0 ? null : buffer.asSlice(0, length).toArray(JAVA_BYTE);
    }
  }

  public static void write(int fd, String text) {
    try (Arena arena = Arena.ofConfined()) {
      byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
      MemorySegment buffer = arena.allocateFrom(JAVA_BYTE, bytes);
      check(call(WRITE, fd, buffer, (long) bytes.length), "write");
    }
  }

  public static void close(int fd) {
    check(call(CLOSE, fd), "close");
  }

  private static long check(long result, String name) {
    if (result < 0) {
      throw new IllegalStateException(name + " failed");
    }
    return result;
  }
}
