package dev.coracle.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A cgroup layout that the driver shows to itself and its children. */
enum CgroupView {
  /** Every v1 hierarchy of the machine, and no v2 beside them. */
  V1("v1", "cgroup v1"),
  /** The one v2 tree at {@code /sys/fs/cgroup}, with the controllers that no v1 hierarchy holds. */
  V2("v2", "cgroup v2"),
  /** As the machine has it: for what touches no cgroup. */
  ANY("none", "any cgroup");

  /** The driver's word for it. */
  final String word;

  final String title;

  CgroupView(String word, String title) {
    this.word = word;
    this.title = title;
  }

  /** The names of the v1 hierarchies' directories below {@code /sys/fs/cgroup}. */
  static List<String> hierarchies() throws IOException {
    String prefix = "/sys/fs/cgroup/";
    return Files.readAllLines(Path.of("/proc/self/mounts")).stream()
        .map(line -> List.of(line.split(" ", -1)))
        .filter(mount -> mount.get(2).equals("cgroup") && mount.get(1).startsWith(prefix))
        .map(mount -> mount.get(1).substring(prefix.length()))
        .toList();
  }
}
