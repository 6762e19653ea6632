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
  public static final int ERANGE = 34;
  public static final int ENAMETOOLONG = 36;
  public static final int ENOSYS = 38;
  public static final int ENOTEMPTY = 39;
  public static final int ELOOP = 40;
  public static final int EOPNOTSUPP = 95;
  public static final int ENETUNREACH = 101;
  public static final int ECONNRESET = 104;
  public static final int ETIMEDOUT = 110;
  public static final int ECONNREFUSED = 111;
  public static final int EHOSTUNREACH = 113;

  // One text, so that the native binary holds one string: number, name, what the C library says.
  private static final String TABLE =
      """
      1 EPERM (Operation not permitted)
      2 ENOENT (No such file or directory)
      3 ESRCH (No such process)
      4 EINTR (Interrupted system call)
      5 EIO (Input/output error)
      6 ENXIO (No such device or address)
      7 E2BIG (Argument list too long)
      8 ENOEXEC (Exec format error)
      9 EBADF (Bad file descriptor)
      10 ECHILD (No child processes)
      11 EAGAIN (Resource temporarily unavailable)
      12 ENOMEM (Cannot allocate memory)
      13 EACCES (Permission denied)
      14 EFAULT (Bad address)
      15 ENOTBLK (Block device required)
      16 EBUSY (Device or resource busy)
      17 EEXIST (File exists)
      18 EXDEV (Invalid cross-device link)
      19 ENODEV (No such device)
      20 ENOTDIR (Not a directory)
      21 EISDIR (Is a directory)
      22 EINVAL (Invalid argument)
      23 ENFILE (Too many open files in system)
      24 EMFILE (Too many open files)
      25 ENOTTY (Inappropriate ioctl for device)
      26 ETXTBSY (Text file busy)
      27 EFBIG (File too large)
      28 ENOSPC (No space left on device)
      29 ESPIPE (Illegal seek)
      30 EROFS (Read-only file system)
      31 EMLINK (Too many links)
      32 EPIPE (Broken pipe)
      33 EDOM (Numerical argument out of domain)
      34 ERANGE (Numerical result out of range)
      35 EDEADLK (Resource deadlock avoided)
      36 ENAMETOOLONG (File name too long)
      38 ENOSYS (Function not implemented)
      39 ENOTEMPTY (Directory not empty)
      40 ELOOP (Too many levels of symbolic links)
      75 EOVERFLOW (Value too large for defined data type)
      77 EBADFD (File descriptor in bad state)
      80 ELIBBAD (Accessing a corrupted shared library)
      87 EUSERS (Too many users)
      88 ENOTSOCK (Socket operation on non-socket)
      91 EPROTOTYPE (Protocol wrong type for socket)
      95 EOPNOTSUPP (Operation not supported)
      97 EAFNOSUPPORT (Address family not supported by protocol)
      98 EADDRINUSE (Address already in use)
      101 ENETUNREACH (Network is unreachable)
      104 ECONNRESET (Connection reset by peer)
      105 ENOBUFS (No buffer space available)
      107 ENOTCONN (Transport endpoint is not connected)
      110 ETIMEDOUT (Connection timed out)
      111 ECONNREFUSED (Connection refused)
      113 EHOSTUNREACH (No route to host)
      116 ESTALE (Stale file handle)
      117 EUCLEAN (Structure needs cleaning)
      121 EREMOTEIO (Remote I/O error)
      122 EDQUOT (Disk quota exceeded)
      130 EOWNERDEAD (Owner died)
      132 ERFKILL (Operation not possible due to RF-kill)
      """;

  private Errno() {}

  /** The name and the meaning of an error: {@code EPERM (Operation not permitted)}. */
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
}
