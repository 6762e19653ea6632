package dev.coracle.idmap;

import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.problem.Origin;
import dev.coracle.problem.Problems;
import dev.coracle.spec.Linux.IdMapping;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The lines of a uid_map or gid_map (config-linux.md, "User namespace mappings";
 * user_namespaces(7)): what the kernel would refuse without saying why is refused here.
 */
public final class IdMappings {
  /** UID_GID_MAP_MAX_EXTENTS (linux v6.12, include/linux/user_namespace.h). */
  static final int MOST_LINES = 340;

  /** A map is written by one write(2) of less than a page (kernel/user_namespace.c, map_write). */
  private static final int MOST_BYTES = 4095;

  /** (uid_t) -1 is no id. */
  private static final long LAST_ID = 0xfffffffeL;

  private IdMappings() {}

  /** Reads the mappings of one kind. */
  public static List<IdMapping> read(Members linux, String key) {
    if (!linux.has(key)) {
      return List.of();
    }
    List<Members> entries = linux.objects(key);
    List<IdMapping> out = new ArrayList<>();
    if (entries.size() > MOST_LINES) {
      // Before anything is made of them: an attacker's list has millions (CVE-2021-43784).
      linux.error(key, "must have at most " + MOST_LINES + " entries, not " + entries.size());
      return out;
    }
    for (Members entry : entries) {
      Long container = number(entry, "containerID", 0, LAST_ID);
      Long host = number(entry, "hostID", 0, LAST_ID);
      Long size = number(entry, "size", 1, LAST_ID + 1);
      if (container != null && host != null && size != null) {
        add(entry, new IdMapping(container, host, size), out);
      }
    }
    int bytes = text(out).length();
    if (bytes > MOST_BYTES) {
      linux.error(
          key, "take " + bytes + " bytes as text, and the kernel reads at most " + MOST_BYTES);
    }
    return out;
  }

  /** Tells that there is no user namespace for the mappings at a property. */
  public static void refuse(List<IdMapping> mappings, Pointer property, Problems problems) {
    if (!mappings.isEmpty()) {
      problems.error(
          property, "needs a new user namespace; add {\"type\":\"user\"} to /linux/namespaces");
    }
  }

  /** Tells that an id is not mapped by a property. */
  public static void requireMapped(
      List<IdMapping> mappings, Pointer property, long id, Pointer at, Problems problems) {
    if (!mappings.isEmpty() && !maps(mappings, id)) {
      problems.error(at, id + " is not mapped by " + property);
    }
  }

  /** Tells that the id in a mount's option, such as {@code gid=5}, is not mapped by a property. */
  public static void requireMapped(
      List<IdMapping> mappings, Pointer property, String option, Origin at, Problems problems) {
    long id = parse(option.substring(option.indexOf('=') + 1));
    if (!mappings.isEmpty() && id >= 0 && !maps(mappings, id)) {
      problems.error(at, "\"" + option + "\" is not mapped by " + property);
    }
  }

  private static @Nullable Long number(Members entry, String key, long least, long most) {
    Long value = entry.number(key, least, most);
    if (value == null && !entry.has(key)) {
      entry.error(key, "is required");
    }
    return value;
  }

  private static void add(Members entry, IdMapping mapping, List<IdMapping> to) {
    if (mapping.containerId() + mapping.size() - 1 > LAST_ID
        || mapping.hostId() + mapping.size() - 1 > LAST_ID) {
      entry.error("size", "goes beyond the last id, " + LAST_ID);
      return;
    }
    for (int i = 0; i < to.size(); i++) {
      IdMapping other = to.get(i);
      if (overlap(mapping.containerId(), mapping.size(), other.containerId(), other.size())) {
        entry.error("containerID", "overlaps with the ids of another entry");
        return;
      }
      if (overlap(mapping.hostId(), mapping.size(), other.hostId(), other.size())) {
        entry.error("hostID", "overlaps with the ids of another entry");
        return;
      }
    }
    to.add(mapping);
  }

  private static boolean overlap(long first, long size, long other, long otherSize) {
    return first < other + otherSize && other < first + size;
  }

  /** Whether an id of the container is mapped. */
  public static boolean maps(List<IdMapping> mappings, long id) {
    return hostId(mappings, id) >= 0;
  }

  /** The host's id of an id of the container, or −1 where it is not mapped. */
  public static long hostId(List<IdMapping> mappings, long id) {
    for (IdMapping m : mappings) {
      if (id >= m.containerId() && id - m.containerId() < m.size()) {
        return m.hostId() + id - m.containerId();
      }
    }
    return -1;
  }

  /** The text that the kernel takes. */
  public static String text(List<IdMapping> mappings) {
    StringBuilder out = new StringBuilder();
    for (IdMapping m : mappings) {
      out.append(m.containerId()).append(' ').append(m.hostId()).append(' ').append(m.size());
      out.append('\n');
    }
    return out.toString();
  }

  /** An id from its digits; −1 where it is none, which the kernel may tell. */
  public static long parse(String digits) {
    long id = 0;
    for (int i = 0; i < digits.length(); i++) {
      char c = digits.charAt(i);
      if (c < '0' || c > '9' || id > LAST_ID) {
        return -1;
      }
      id = id * 10 + c - '0';
    }
    return digits.isEmpty() ? -1 : id;
  }

  /** Whether an unprivileged process may write this map by itself: its own id alone. */
  public static boolean isOwnAlone(List<IdMapping> mappings, long own) {
    return mappings.size() == 1 && mappings.get(0).hostId() == own && mappings.get(0).size() == 1;
  }

  /** Tells what a new user namespace lacks without which it cannot be set up. */
  public static void check(List<IdMapping> mappings, Pointer at, Problems problems) {
    if (mappings.isEmpty()) {
      problems.error(at, "is required for a new user namespace");
    } else if (!maps(mappings, 0)) {
      problems.error(at, "must map 0: a container is set up as root of its user namespace");
    }
  }
}
