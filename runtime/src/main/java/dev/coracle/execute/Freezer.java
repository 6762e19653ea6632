package dev.coracle.execute;

import dev.coracle.cgroup.CgroupPaths;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Stops all processes of a cgroup and lets them go on (cgroup freezer, v1 and v2). */
public final class Freezer {
  private static final int FILE_MOST = 4096;
  private static final int DEADLINE_MILLIS = 10_000;
  private static final int ROUND_MILLIS = 1;

  private final Kernel k;
  private final @Nullable String v1;
  private final @Nullable String v2;

  /** The freezer of these cgroups: the v1 one where there is one. */
  public Freezer(Kernel kernel, CgroupPaths paths) {
    this.k = kernel;
    this.v1 = paths.v1("freezer");
    this.v2 = paths.v2Path();
  }

  /** Whether the processes are stopped, or about to be: 1, 0, or −errno where nobody knows. */
  public long isFrozen() {
    return v1 != null
        ? reads(v1 + "/freezer.self_freezing", "1")
        : v2 != null ? reads(v2 + "/cgroup.freeze", "1") : 0;
  }

  /** A cgroup that is gone, or that has no freezer, stops nobody. */
  private long reads(String path, String text) {
    Files.Read read = Files.read(k, path, FILE_MOST);
    Files.Content content = read.content();
    if (content == null) {
      boolean gone = read.errno() == -Errno.ENOENT || read.errno() == -Errno.ENODEV;
      return gone ? 0 : read.errno();
    }
    return content.text().startsWith(text) ? 1 : 0;
  }

  /** Lets all go on, those too that the container froze in v1 cgroups of its own. */
  void thawBelow() {
    if (v1 != null) {
      thawBelow(v1);
    }
  }

  private void thawBelow(String cgroup) {
    long thawed = CgroupActions.write(k, cgroup + "/freezer.state", "THAWED");
    List<String> children = new ArrayList<>();
    // What cannot be read or written is told by whoever then cannot remove it.
    if (thawed >= 0 && CgroupProcesses.children(k, cgroup, children) >= 0) {
      for (String child : children) {
        thawBelow(cgroup + "/" + child);
      }
    }
  }

  /** Stops them, and returns when all stand still. */
  public long freeze() {
    return freeze(DEADLINE_MILLIS);
  }

  /** Stops them within some time; if that is not enough they all go on. */
  long freeze(int deadlineMillis) {
    long result = set("FROZEN", "1", deadlineMillis);
    if (result < 0 && result != -Errno.ENODEV) {
      // Half of them would stand still for ever, and nobody would know why.
      long thawed = thaw();
      return thawed < 0 && thawed != -Errno.ENOENT ? thawed : result;
    }
    return result;
  }

  /** Lets them go on. */
  public long thaw() {
    return set("THAWED", "0", DEADLINE_MILLIS);
  }

  private long set(String v1Word, String v2Word, int deadlineMillis) {
    if (v1 == null && v2 == null) {
      return -Errno.ENODEV;
    }
    String file = v1 != null ? v1 + "/freezer.state" : v2 + "/cgroup.freeze";
    String word = v1 != null ? v1Word : v2Word;
    for (int round = 0; round * ROUND_MILLIS < deadlineMillis; round++) {
      // On v1 a process that was just forked may have slipped through: saying it again catches it.
      long result = CgroupActions.write(k, file, word);
      if (result < 0) {
        return result;
      }
      long done =
          v1 != null ? reads(file, word) : contains(v2 + "/cgroup.events", "frozen " + word);
      if (done != 0) {
        return Math.min(done, 0);
      }
      long slept = k.poll(new int[0], new short[0], new short[0], ROUND_MILLIS);
      if (slept < 0 && slept != -Errno.EINTR) {
        return slept;
      }
    }
    return -Errno.ETIMEDOUT;
  }

  private long contains(String path, String line) {
    Files.Read read = Files.read(k, path, FILE_MOST);
    Files.Content content = read.content();
    return content == null ? read.errno() : content.text().contains(line) ? 1 : 0;
  }
}
