package dev.coracle.vm;

/** FUSE, as far as somebody must know it who stands between a guest and virtiofsd: linux/fuse.h. */
public final class Fuse {
  // enum fuse_opcode
  public static final int LOOKUP = 1;
  public static final int FORGET = 2;
  public static final int GETATTR = 3;
  public static final int SETATTR = 4;
  public static final int SYMLINK = 6;
  public static final int MKNOD = 8;
  public static final int MKDIR = 9;
  public static final int RENAME = 12;
  public static final int LINK = 13;
  public static final int OPEN = 14;
  public static final int READ = 15;
  public static final int WRITE = 16;
  public static final int RELEASE = 18;
  public static final int FSYNC = 20;
  public static final int FLUSH = 25;
  public static final int INIT = 26;
  public static final int OPENDIR = 27;
  public static final int READDIR = 28;
  public static final int RELEASEDIR = 29;
  public static final int FSYNCDIR = 30;
  public static final int GETLK = 31;
  public static final int SETLK = 32;
  public static final int SETLKW = 33;
  public static final int CREATE = 35;
  public static final int IOCTL = 39;
  public static final int POLL = 40;
  public static final int BATCH_FORGET = 42;
  public static final int FALLOCATE = 43;
  public static final int READDIRPLUS = 44;
  public static final int RENAME2 = 45;
  public static final int LSEEK = 46;
  public static final int COPY_FILE_RANGE = 47;
  public static final int TMPFILE = 51;

  /** The node that is there without a LOOKUP; 0 is none. */
  public static final long ROOT_ID = 1;

  // struct fuse_in_header
  public static final int REQUEST_BYTES = 40;
  public static final int OPCODE_AT = 4;
  public static final int UNIQUE_AT = 8;
  public static final int NODE_AT = 16;

  // struct fuse_out_header
  public static final int ANSWER_BYTES = 16;
  public static final int ERROR_AT = 4;

  // Offsets from here on are from the beginning of a request.

  /**
   * fh of struct fuse_read_in, _write_in, _release_in, _fsync_in, _flush_in, _lk_in, _ioctl_in,
   * _poll_in, _fallocate_in, _lseek_in and _copy_file_range_in (fh_in there).
   */
  public static final int HANDLE_AT = 40;

  /** getattr_flags and fh of struct fuse_getattr_in, valid and fh of struct fuse_setattr_in. */
  public static final int ATTR_FLAGS_AT = 40;

  public static final int ATTR_HANDLE_AT = 48;
  public static final int FUSE_GETATTR_FH = 1;
  public static final int FATTR_FH = 1 << 6;

  /** flags of struct fuse_open_in and fuse_create_in; both are whole with so many bytes. */
  public static final int OPEN_FLAGS_AT = 40;

  public static final int OPEN_BYTES = 48;
  public static final int RELEASE_BYTES = 64;

  /** size of struct fuse_read_in, which READDIR and READDIRPLUS have too. */
  public static final int READ_SIZE_AT = 56;

  public static final int READ_BYTES = 80;

  public static final int IOCTL_FLAGS_AT = 48;
  public static final int FUSE_IOCTL_DIR = 1 << 4;

  /** newdir of struct fuse_rename_in and fuse_rename2_in, oldnodeid of struct fuse_link_in. */
  public static final int OTHER_NODE_AT = 40;

  // struct fuse_copy_file_range_in
  public static final int COPY_NODE_AT = 56;
  public static final int COPY_HANDLE_AT = 64;

  public static final int FORGET_BYTES = 48;

  // struct fuse_batch_forget_in, and struct fuse_forget_one behind it
  public static final int BATCH_COUNT_AT = 40;
  public static final int BATCH_AT = 48;
  public static final int BATCH_ONE_BYTES = 16;

  // Offsets from the beginning of an answer.

  /** nodeid of struct fuse_entry_out, fh of struct fuse_open_out: the first thing in it. */
  public static final int FIRST_AT = 16;

  /** sizeof(struct fuse_entry_out). */
  public static final int ENTRY_BYTES = 128;

  /** fh of struct fuse_open_out behind a struct fuse_entry_out. */
  public static final int CREATED_HANDLE_AT = FIRST_AT + ENTRY_BYTES;

  /** namelen, and the name, in a struct fuse_direntplus. */
  public static final int PLUS_LENGTH_AT = ENTRY_BYTES + 16;

  public static final int PLUS_NAME_AT = ENTRY_BYTES + 24;

  // struct fuse_init_out in an answer
  public static final int INIT_MAJOR_AT = 16;
  public static final int INIT_MINOR_AT = 20;
  public static final int INIT_FLAGS_AT = 28;
  public static final int INIT_MAX_WRITE_AT = 36;

  private Fuse() {}

  /** Whether a request has no answer. */
  public static boolean isSilent(int opcode) {
    return opcode == FORGET || opcode == BATCH_FORGET;
  }
}
