package dev.coracle.guest;

import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_RDWR;

import dev.coracle.abi.Bytes;
import dev.coracle.execute.Files;
import dev.coracle.kernel.DescribingKernel;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.lifecycle.Failure;

/**
 * The files of a guest that was copied from another: the kernel's requests for them (fuse(4)) go
 * out by a port, and the answers come back by it. Two processes do that, one for each direction;
 * each ends when the filesystem, or the port, does.
 */
final class FilesPort {
  /** linux/fuse.h: what a request and an answer begin with. */
  private static final int REQUEST_HEADER_BYTES = 40;

  private static final int ANSWER_HEADER_BYTES = 16;
  private static final int OPCODE_AT = 4;
  private static final int UNIQUE_AT = 8;
  private static final int INTERRUPT = 36;
  private static final int MOST_BYTES = (1 << 20) + 4096;

  private final Kernel k;
  private final int fuse;
  private final int port;

  private FilesPort(Kernel k, int fuse, int port) {
    this.k = k;
    this.fuse = fuse;
    this.port = port;
  }

  /** Mounts the filesystem whose server is behind a port. */
  static void mount(DescribingKernel k, String name, String at) throws Failure {
    long port = Port.open(k, name, 0);
    Machine.check(k, port, "open the port of its files");
    long fuse = k.openat2(AT_FDCWD, "/dev/fuse", O_RDWR | O_CLOEXEC, 0, 0);
    Machine.check(k, fuse, "open /dev/fuse");
    FilesPort files = new FilesPort(k, (int) fuse, (int) port);
    String data =
        "fd=" + fuse + ",rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions";
    Machine.check(k, k.mount("coracle", at, "fuse", 0, data), "mount its root filesystem");
    // Not before: what has no filesystem has no requests.
    files.start(true);
    files.start(false);
    Machine.check(k, k.close((int) fuse), "close /dev/fuse");
    Machine.check(k, k.close((int) port), "close the port of its files");
  }

  /** Starts a process that ends by itself, and that the agent inherits. */
  private void start(boolean requests) throws Failure {
    int[] pidfd = {-1};
    long pid = k.fork(pidfd);
    if (pid == 0) {
      long result = k.exit_group(carry(requests) < 0 ? 1 : 0);
      throw new IllegalStateException("exit_group: " + result);
    }
    Machine.check(k, pid, "start what carries its files");
    Machine.check(k, k.close(pidfd[0]), "close what carries its files");
  }

  private long carry(boolean requests) {
    // Its end tells the agent that the one that started us has done what it was to do.
    long result = k.close(Launch.CONTROL);
    if (result >= 0) {
      result = k.prctlSetName(requests ? "files-out" : "files-in");
    }
    return result < 0 ? result : requests ? carryRequests() : carryAnswers();
  }

  private long carryRequests() {
    byte[] request = new byte[MOST_BYTES];
    while (true) {
      long n = k.read(fuse, request, 0, request.length);
      if (n == -Errno.EINTR || n == -Errno.EAGAIN || n == -Errno.ENOENT) {
        continue; // ENOENT: it was given up before we had it.
      }
      if (n < REQUEST_HEADER_BYTES) {
        return n; // ENODEV: unmounted.
      }
      long result =
          Bytes.u32(request, OPCODE_AT) == INTERRUPT
              ? refuse(request)
              : Files.writeAll(k, port, request, 0, (int) n);
      if (result < 0) {
        return result;
      }
    }
  }

  /** virtiofsd cannot stop what it does: the kernel need not ask again. */
  private long refuse(byte[] request) {
    byte[] answer = new byte[ANSWER_HEADER_BYTES];
    Bytes.put32(answer, 0, ANSWER_HEADER_BYTES);
    Bytes.put32(answer, 4, -Errno.ENOSYS);
    System.arraycopy(request, UNIQUE_AT, answer, 8, 8);
    long n = k.write(fuse, answer, 0, answer.length);
    return n == -Errno.ENOENT ? 0 : n;
  }

  private long carryAnswers() {
    byte[] answer = new byte[MOST_BYTES];
    int length = 0;
    while (true) {
      long n = k.read(port, answer, length, answer.length - length);
      if (n == -Errno.EINTR) {
        continue;
      }
      if (n <= 0) {
        return n;
      }
      length += (int) n;
      int at = 0;
      while (length - at >= ANSWER_HEADER_BYTES) {
        long whole = Bytes.u32(answer, at);
        if (whole < ANSWER_HEADER_BYTES || whole > MOST_BYTES) {
          return -Errno.EPROTO;
        }
        if (length - at < whole) {
          break;
        }
        n = k.write(fuse, answer, at, (int) whole);
        // ENOENT: nobody waits for it any more. Others are what the kernel finds wrong in it.
        if (n < 0 && n != -Errno.ENOENT && n != -Errno.EINVAL) {
          return n;
        }
        at += (int) whole;
      }
      System.arraycopy(answer, at, answer, 0, length - at);
      length -= at;
    }
  }
}
