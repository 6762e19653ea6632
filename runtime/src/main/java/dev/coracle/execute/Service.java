package dev.coracle.execute;

import dev.coracle.kernel.Kernel;

/** What a process of ours does in the container, in place of a program. */
public interface Service {
  /**
   * Does it: in the container's namespaces and cgroup, in its root, with descriptors 0 to 2 and no
   * others.
   *
   * @return the process's exit status
   */
  int serve(Kernel k);
}
