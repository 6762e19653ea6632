package dev.coracle.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/**
 * Where and on what terms the contenders meet: the same for all of them.
 *
 * @param hierarchies directories of the v1 hierarchies; empty for v2
 * @param work the directory of this run
 * @param prefix begins the name of every cgroup of this run, and of no other
 */
record Place(
    CgroupView view,
    List<String> hierarchies,
    Set<Feature> features,
    Path tools,
    Path work,
    String prefix) {

  /** The same place with other features. */
  Place with(Set<Feature> others) {
    return new Place(view, hierarchies, others, tools, work, prefix);
  }

  Path rootfs() {
    return work.resolve("rootfs");
  }

  /** A mount point: the driver mounts a tmpfs of its own there. */
  Path state() {
    return work.resolve("state");
  }

  /** The cgroup of a contender, without the leading slash. */
  String cgroup(String id) {
    return prefix + id;
  }

  /** Writes a bundle for one contender and returns its directory. */
  Path bundle(String id, Workload workload) throws IOException {
    Path directory = work.resolve(id + "-" + workload.name());
    Bundle.write(directory, this, cgroup(id), workload);
    return directory;
  }
}
