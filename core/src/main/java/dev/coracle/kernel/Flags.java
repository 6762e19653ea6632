package dev.coracle.kernel;

import dev.coracle.abi.Fcntl;

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
            + " MOUNT_ATTR_NOSYMFOLLOW 200000 ");
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
        "CLONE_NEWTIME 80 CLONE_PIDFD 1000 CLONE_NEWNS 20000 CLONE_NEWCGROUP 2000000"
            + " CLONE_NEWUTS 4000000 CLONE_NEWIPC 8000000 CLONE_NEWUSER 10000000"
            + " CLONE_NEWPID 20000000 CLONE_NEWNET 40000000 CLONE_INTO_CGROUP 200000000 ");
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
