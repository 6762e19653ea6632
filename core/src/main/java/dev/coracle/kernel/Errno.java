package dev.coracle.kernel;

/** Error numbers (errno(3), asm-generic/errno.h), as positive values. */
public final class Errno {
  public static final int EPERM = 1;
  public static final int ENOENT = 2;
  public static final int ESRCH = 3;
  public static final int EINTR = 4;
  public static final int EIO = 5;
  public static final int ENXIO = 6;
  public static final int E2BIG = 7;
  public static final int ENOEXEC = 8;
  public static final int EBADF = 9;
  public static final int ECHILD = 10;
  public static final int EAGAIN = 11;
  public static final int ENOMEM = 12;
  public static final int EACCES = 13;
  public static final int EBUSY = 16;
  public static final int EEXIST = 17;
  public static final int EXDEV = 18;
  public static final int ENODEV = 19;
  public static final int ENOTDIR = 20;
  public static final int EISDIR = 21;
  public static final int EINVAL = 22;
  public static final int ENFILE = 23;
  public static final int EMFILE = 24;
  public static final int ENOTTY = 25;
  public static final int ETXTBSY = 26;
  public static final int EFBIG = 27;
  public static final int ENOSPC = 28;
  public static final int EROFS = 30;
  public static final int EPIPE = 32;
  public static final int EPROTO = 71;
  public static final int ERANGE = 34;
  public static final int ENAMETOOLONG = 36;
  public static final int ENOSYS = 38;
  public static final int ENOTEMPTY = 39;
  public static final int ELOOP = 40;
  public static final int ENOTSOCK = 88;
  public static final int EOPNOTSUPP = 95;
  public static final int ENETUNREACH = 101;
  public static final int ECONNRESET = 104;
  public static final int ETIMEDOUT = 110;
  public static final int ECONNREFUSED = 111;
  public static final int EINPROGRESS = 115;
  public static final int EHOSTUNREACH = 113;
  public static final int ESTALE = 116;

  // One text, so that the native binary holds one string: number, name, what the C library says, in
  // the lower case of Go, which engines look for.
  private static final String TABLE =
      """
      1 EPERM (operation not permitted)
      2 ENOENT (no such file or directory)
      3 ESRCH (no such process)
      4 EINTR (interrupted system call)
      5 EIO (input/output error)
      6 ENXIO (no such device or address)
      7 E2BIG (argument list too long)
      8 ENOEXEC (exec format error)
      9 EBADF (bad file descriptor)
      10 ECHILD (no child processes)
      11 EAGAIN (resource temporarily unavailable)
      12 ENOMEM (cannot allocate memory)
      13 EACCES (permission denied)
      14 EFAULT (bad address)
      15 ENOTBLK (block device required)
      16 EBUSY (device or resource busy)
      17 EEXIST (file exists)
      18 EXDEV (invalid cross-device link)
      19 ENODEV (no such device)
      20 ENOTDIR (not a directory)
      21 EISDIR (is a directory)
      22 EINVAL (invalid argument)
      23 ENFILE (too many open files in system)
      24 EMFILE (too many open files)
      25 ENOTTY (inappropriate ioctl for device)
      26 ETXTBSY (text file busy)
      27 EFBIG (file too large)
      28 ENOSPC (no space left on device)
      29 ESPIPE (illegal seek)
      30 EROFS (read-only file system)
      31 EMLINK (too many links)
      32 EPIPE (broken pipe)
      33 EDOM (numerical argument out of domain)
      34 ERANGE (numerical result out of range)
      35 EDEADLK (resource deadlock avoided)
      36 ENAMETOOLONG (file name too long)
      38 ENOSYS (function not implemented)
      39 ENOTEMPTY (directory not empty)
      40 ELOOP (too many levels of symbolic links)
      71 EPROTO (protocol error)
      75 EOVERFLOW (value too large for defined data type)
      77 EBADFD (file descriptor in bad state)
      80 ELIBBAD (accessing a corrupted shared library)
      87 EUSERS (too many users)
      88 ENOTSOCK (socket operation on non-socket)
      91 EPROTOTYPE (protocol wrong type for socket)
      95 EOPNOTSUPP (operation not supported)
      97 EAFNOSUPPORT (address family not supported by protocol)
      98 EADDRINUSE (address already in use)
      101 ENETUNREACH (network is unreachable)
      104 ECONNRESET (connection reset by peer)
      105 ENOBUFS (no buffer space available)
      107 ENOTCONN (transport endpoint is not connected)
      110 ETIMEDOUT (connection timed out)
      111 ECONNREFUSED (connection refused)
      113 EHOSTUNREACH (no route to host)
      115 EINPROGRESS (operation now in progress)
      116 ESTALE (stale file handle)
      117 EUCLEAN (structure needs cleaning)
      121 EREMOTEIO (remote I/O error)
      122 EDQUOT (disk quota exceeded)
      130 EOWNERDEAD (owner died)
      132 ERFKILL (operation not possible due to RF-kill)
      """;

  private Errno() {}

  /** The name and the meaning of an error: {@code EPERM (operation not permitted)}. */
  public static String text(long errno) {
    String key = errno + " ";
    int from = 0;
    while (from < TABLE.length()) {
      int to = TABLE.indexOf('\n', from);
      if (TABLE.startsWith(key, from)) {
        return TABLE.substring(from + key.length(), to);
      }
      from = to + 1;
    }
    return "errno " + errno;
  }

  /** The meaning of an error alone: {@code operation not permitted}. */
  public static String words(long errno) {
    String text = text(errno);
    int from = text.indexOf('(');
    return from < 0 ? text : text.substring(from + 1, text.length() - 1);
  }
}
