package dev.coracle.criu;

import org.jspecify.annotations.Nullable;

/** What is asked of criu: message criu_req, whose opts are criu_opts (images/rpc.proto of criu). */
public final class CriuRequest {
  /** enum criu_req_type. */
  public enum Type {
    DUMP(1),
    RESTORE(2),
    PRE_DUMP(4),
    NOTIFY(6),
    FEATURE_CHECK(9),
    VERSION(10);

    final int number;

    Type(int number) {
      this.number = number;
    }
  }

  /** Options that are on or off: their field numbers in criu_opts. */
  public enum Flag {
    LEAVE_RUNNING(3),
    EXT_UNIX_SK(4),
    TCP_ESTABLISHED(5),
    EVASIVE_DEVICES(6),
    SHELL_JOB(7),
    FILE_LOCKS(8),
    NOTIFY_SCRIPTS(12),
    TRACK_MEM(15),
    AUTO_DEDUP(16),
    LINK_REMAP(18),
    MANAGE_CGROUPS(24),
    RST_SIBLING(26),
    TCP_SKIP_IN_FLIGHT(46),
    LAZY_PAGES(48),
    ORPHAN_PTS_MASTER(50);

    final int field;

    Flag(int field) {
      this.field = field;
    }
  }

  /** Options that are texts: their field numbers in criu_opts. */
  public enum Text {
    LOG_FILE(10),
    ROOT(13),
    PARENT_IMG(14),
    EXTERNAL(37),
    FREEZE_CGROUP(44),
    CONFIG_FILE(51),
    LSM_PROFILE(53),
    LSM_MOUNT_CONTEXT(63);

    final int field;

    Text(int field) {
      this.field = field;
    }
  }

  private static final int OPTS = 2;
  private static final int NOTIFY_SUCCESS = 3;
  private static final int FEATURES = 5;
  private static final int IMAGES_DIR_FD = 1;
  private static final int PID = 2;
  private static final int LOG_LEVEL = 9;
  private static final int PAGE_SERVER = 11;
  private static final int WORK_DIR_FD = 17;
  private static final int EXT_MNT = 23;
  private static final int CG_ROOT = 25;
  private static final int INHERIT_FD = 27;
  private static final int MANAGE_CGROUPS_MODE = 34;
  private static final int EMPTY_NS = 38;
  private static final int JOIN_NS = 39;

  private final Type type;
  private final MessageWriter options = new MessageWriter();

  /** A request with the directory of the images, a descriptor of ours, which criu opens again. */
  public CriuRequest(Type type, int imagesDirectory, int logLevel) {
    this.type = type;
    options.number(IMAGES_DIR_FD, imagesDirectory).number(LOG_LEVEL, logLevel);
  }

  /** The process to dump. */
  public void pid(int pid) {
    options.number(PID, pid);
  }

  /** Where the log and other files go: a descriptor of ours. */
  public void workDirectory(int fd) {
    options.number(WORK_DIR_FD, fd);
  }

  /** Switches an option on. */
  public void set(Flag flag, boolean value) {
    if (value) {
      options.flag(flag.field, true);
    }
  }

  /** Sets an option, or adds one to those that may stand several times; null for none. */
  public void set(Text text, @Nullable String value) {
    if (value != null) {
      options.text(text.field, value);
    }
  }

  /** A mount from outside: its place in the container, and what it is. */
  public void externalMount(String key, String value) {
    options.message(EXT_MNT, new MessageWriter().text(1, key).text(2, value));
  }

  /**
   * The root of the container's cgroups in a v1 hierarchy, or in v2 where there is no controller.
   */
  public void cgroupRoot(String controllers, String path) {
    options.message(CG_ROOT, new MessageWriter().text(1, controllers).text(2, path));
  }

  /** A descriptor of criu's that takes the place of a file in the images. */
  public void inherit(String key, int fd) {
    options.message(INHERIT_FD, new MessageWriter().text(1, key).number(2, fd));
  }

  /** A namespace to join. */
  public void join(String namespace, String file) {
    options.message(JOIN_NS, new MessageWriter().text(1, namespace).text(2, file));
  }

  /** Where memory goes to, or comes from. */
  public void pageServer(String address, int port) {
    options.message(PAGE_SERVER, new MessageWriter().text(1, address).number(2, port));
  }

  /** Namespaces that are restored empty: CLONE_NEW*. */
  public void emptyNamespaces(long flags) {
    options.number(EMPTY_NS, flags);
  }

  /** How cgroups are treated: enum criu_cg_mode. */
  public void cgroupsMode(int mode) {
    options.number(MANAGE_CGROUPS_MODE, mode);
  }

  /** The number of --manage-cgroups-mode's word (enum criu_cg_mode), or −1. */
  public static int cgroupsMode(String word) {
    return switch (word) {
      case "ignore" -> 0;
      case "soft" -> 3;
      case "full" -> 4;
      case "strict" -> 5;
      case "" -> 6;
      default -> -1;
    };
  }

  /** The message. */
  public byte[] bytes() {
    return new MessageWriter().number(1, type.number).message(OPTS, options).toBytes();
  }

  /** The message that asks for criu's version. */
  public static byte[] version() {
    return new MessageWriter().number(1, Type.VERSION.number).toBytes();
  }

  /** The message that asks which features there are. */
  public static byte[] features() {
    MessageWriter features = new MessageWriter().flag(1, true).flag(2, true);
    return new MessageWriter()
        .number(1, Type.FEATURE_CHECK.number)
        .message(FEATURES, features)
        .toBytes();
  }

  /** The answer to a notification. */
  public static byte[] notified() {
    return new MessageWriter().number(1, Type.NOTIFY.number).flag(NOTIFY_SUCCESS, true).toBytes();
  }
}
