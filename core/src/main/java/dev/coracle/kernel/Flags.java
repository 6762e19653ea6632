package dev.coracle.kernel;

import dev.coracle.abi.Fcntl;
import dev.coracle.abi.Process;
import dev.coracle.abi.Statx;

/** Flags as the names that the manual gives them. */
final class Flags {
  private Flags() {}

  static String dirfd(int fd) {
    return fd == Fcntl.AT_FDCWD ? "AT_FDCWD" : Integer.toString(fd);
  }

  static String device(long dev) {
    long major = dev >> 32 & 0xfffff000L | dev >> 8 & 0xfff;
    long minor = dev >> 12 & 0xffffff00L | dev & 0xff;
    return "makedev(" + major + ", " + minor + ")";
  }

  static String open(long flags) {
    String access =
        (flags & 3) == 0
            ? ((flags & Fcntl.O_PATH) != 0 ? "O_PATH" : "O_RDONLY")
            : (flags & 3) == 1 ? "O_WRONLY" : "O_RDWR";
    return names(
        access,
        flags & ~(3 | Fcntl.O_PATH),
        "O_CREAT 40 O_EXCL 80 O_NOCTTY 100 O_TRUNC 200 O_APPEND 400 O_NONBLOCK 800"
            + " O_DIRECTORY 10000 O_NOFOLLOW 20000 O_CLOEXEC 80000 ");
  }

  static String resolve(long flags) {
    return names(
        "",
        flags,
        "RESOLVE_NO_XDEV 1 RESOLVE_NO_MAGICLINKS 2 RESOLVE_NO_SYMLINKS 4 RESOLVE_BENEATH 8"
            + " RESOLVE_IN_ROOT 10 ");
  }

  static String mountAttr(long flags) {
    return names(
        "",
        flags,
        "MOUNT_ATTR_RDONLY 1 MOUNT_ATTR_NOSUID 2 MOUNT_ATTR_NODEV 4 MOUNT_ATTR_NOEXEC 8"
            + " MOUNT_ATTR_NOATIME 10 MOUNT_ATTR_STRICTATIME 20 MOUNT_ATTR_NODIRATIME 80"
            + " MOUNT_ATTR_IDMAP 100000 MOUNT_ATTR_NOSYMFOLLOW 200000 ");
  }

  static String propagation(long flags) {
    return names(
        "",
        flags,
        "MS_REC 4000 MS_UNBINDABLE 20000 MS_PRIVATE 40000 MS_SLAVE 80000 MS_SHARED 100000 ");
  }

  static String clone(long flags) {
    return names(
        "",
        flags,
        "CLONE_NEWTIME 80 CLONE_PIDFD 1000 CLONE_PARENT 8000 CLONE_NEWNS 20000 CLONE_NEWCGROUP 2000000"
            + " CLONE_NEWUTS 4000000 CLONE_NEWIPC 8000000 CLONE_NEWUSER 10000000"
            + " CLONE_NEWPID 20000000 CLONE_NEWNET 40000000 CLONE_INTO_CGROUP 200000000 ");
  }

  static String at(long flags) {
    return names("", flags, "AT_SYMLINK_NOFOLLOW 100 AT_EMPTY_PATH 1000 AT_RECURSIVE 8000 ");
  }

  static String openTree(long flags) {
    return names(
        "",
        flags,
        "OPEN_TREE_CLONE 1 OPEN_TREE_CLOEXEC 80000 AT_SYMLINK_NOFOLLOW 100 AT_EMPTY_PATH 1000"
            + " AT_RECURSIVE 8000 ");
  }

  static String moveMount(long flags) {
    return names("", flags, "MOVE_MOUNT_F_EMPTY_PATH 4 MOVE_MOUNT_T_EMPTY_PATH 40 ");
  }

  static String fspick(long flags) {
    return names("", flags, "FSPICK_CLOEXEC 1 FSPICK_EMPTY_PATH 8 ");
  }

  static String statx(long mask) {
    return mask == Statx.STATX_TYPE
        ? "STATX_TYPE"
        : mask == Statx.STATX_BASIC_STATS ? "STATX_BASIC_STATS" : "0x" + Long.toHexString(mask);
  }

  /** Flags of those calls that make descriptors of no file. */
  static String descriptor(long flags) {
    return names("", flags, "O_NONBLOCK 800 O_CLOEXEC 80000 ");
  }

  static String memfd(long flags) {
    return names("", flags, "MFD_CLOEXEC 1 MFD_ALLOW_SEALING 2 MFD_EXEC 10 ");
  }

  static String seccomp(long flags) {
    return names(
        "",
        flags,
        "SECCOMP_FILTER_FLAG_TSYNC 1 SECCOMP_FILTER_FLAG_LOG 2 SECCOMP_FILTER_FLAG_SPEC_ALLOW 4"
            + " SECCOMP_FILTER_FLAG_NEW_LISTENER 8 SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV 20 ");
  }

  static String domain(long domain) {
    return switch ((int) domain) {
      case 1 -> "AF_UNIX";
      case 16 -> "AF_NETLINK";
      default -> Long.toString(domain);
    };
  }

  static String socket(long type) {
    String kind =
        switch ((int) type & 0xf) {
          case 1 -> "SOCK_STREAM";
          case 2 -> "SOCK_DGRAM";
          case 3 -> "SOCK_RAW";
          case 5 -> "SOCK_SEQPACKET";
          default -> Long.toString(type & 0xf);
        };
    return names(kind, type & ~0xfL, "SOCK_NONBLOCK 800 SOCK_CLOEXEC 80000 ");
  }

  static String access(long mode) {
    return mode == 0 ? "F_OK" : names("", mode, "X_OK 1 W_OK 2 R_OK 4 ");
  }

  static String fcntl(long operation) {
    return switch ((int) operation) {
      case 1 -> "F_GETFD";
      case 2 -> "F_SETFD";
      case 3 -> "F_GETFL";
      case 4 -> "F_SETFL";
      case 1030 -> "F_DUPFD_CLOEXEC";
      case 1033 -> "F_ADD_SEALS";
      default -> Long.toString(operation);
    };
  }

  static String rlimit(int resource) {
    String all =
        "CPU FSIZE DATA STACK CORE RSS NPROC NOFILE MEMLOCK AS LOCKS SIGPENDING MSGQUEUE NICE"
            + " RTPRIO RTTIME ";
    int from = 0;
    for (int i = 0; i < resource && from < all.length(); i++) {
      from = all.indexOf(' ', from) + 1;
    }
    return from < all.length()
        ? "RLIMIT_" + all.substring(from, all.indexOf(' ', from))
        : Integer.toString(resource);
  }

  static String flock(long operation) {
    return names("", operation, "LOCK_SH 1 LOCK_EX 2 LOCK_NB 4 LOCK_UN 8 ");
  }

  static String ioctl(long request) {
    return switch ((int) request) {
      case 0x5401 -> "TCGETS";
      case 0x5402 -> "TCSETS";
      case 0x540e -> "TIOCSCTTY";
      case 0x5413 -> "TIOCGWINSZ";
      case 0x5414 -> "TIOCSWINSZ";
      case 0x5441 -> "TIOCGPTPEER";
      case 0x8914 -> "SIOCSIFFLAGS";
      case 0xb703 -> "NS_GET_NSTYPE";
      default ->
          request == Process.TIOCGPTN
              ? "TIOCGPTN"
              : request == Process.TIOCSPTLCK ? "TIOCSPTLCK" : "0x" + Long.toHexString(request);
    };
  }

  static String fsconfig(long command) {
    return switch ((int) command) {
      case 0 -> "FSCONFIG_SET_FLAG";
      case 1 -> "FSCONFIG_SET_STRING";
      case 6 -> "FSCONFIG_CMD_CREATE";
      case 7 -> "FSCONFIG_CMD_RECONFIGURE";
      default -> Long.toString(command);
    };
  }

  static String prctl(long option) {
    return switch ((int) option) {
      case 1 -> "PR_SET_PDEATHSIG";
      case 4 -> "PR_SET_DUMPABLE";
      case 8 -> "PR_SET_KEEPCAPS";
      case 15 -> "PR_SET_NAME";
      case 24 -> "PR_CAPBSET_DROP";
      case 36 -> "PR_SET_CHILD_SUBREAPER";
      case 38 -> "PR_SET_NO_NEW_PRIVS";
      case 47 -> "PR_CAP_AMBIENT";
      default -> Long.toString(option);
    };
  }

  /** The names of set bits; the table has each name with its bit in hexadecimal. */
  private static String names(String first, long flags, String table) {
    StringBuilder out = new StringBuilder(first);
    long rest = flags;
    int from = 0;
    while (from < table.length()) {
      int nameEnd = table.indexOf(' ', from);
      int end = table.indexOf(' ', nameEnd + 1);
      long bit = Long.parseLong(table.substring(nameEnd + 1, end), 16);
      if ((rest & bit) != 0) {
        out.append(out.length() == 0 ? "" : "|").append(table, from, nameEnd);
        rest &= ~bit;
      }
      from = end + 1;
    }
    if (rest != 0 || out.length() == 0) {
      out.append(out.length() == 0 ? "" : "|");
      out.append(rest == 0 ? "0" : "0x" + Long.toHexString(rest));
    }
    return out.toString();
  }
}
