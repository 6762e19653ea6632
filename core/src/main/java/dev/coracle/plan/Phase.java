package dev.coracle.plan;

/** Where and when a step runs. Phases run in the order of their declaration. */
public enum Phase {
  /** In the runtime's process, before there is a container. */
  PARENT_BEFORE,
  /** The one clone3(2). */
  CLONE,
  /** In the runtime's process, while the child waits: systemd makes its scope, and the limits. */
  PARENT_SCOPE,
  /**
   * In the runtime's process, right after the clone: what a new user namespace needs from outside.
   */
  PARENT_AFTER_CLONE,
  /** In the container's first process: its cgroup, namespaces, and mounts, up to the hooks. */
  CHILD_SETUP,
  /** In the runtime's process, while the child waits: prestart and createRuntime hooks. */
  PARENT_HOOKS,
  /** In the container's process, last thing before it changes its root: createContainer hooks. */
  CHILD_BEFORE_PIVOT,
  /** In the container's process, in its own root. */
  CHILD_AFTER_PIVOT,
  /** In the container's process: what becomes of the process itself, credentials last. */
  CHILD_PROCESS,
  /** In the container's process, after {@code start} released it. */
  CHILD_START;

  /** Whether the container's process runs this phase. */
  public boolean isChild() {
    return switch (this) {
      case PARENT_BEFORE, CLONE, PARENT_SCOPE, PARENT_AFTER_CLONE, PARENT_HOOKS -> false;
      case CHILD_SETUP, CHILD_BEFORE_PIVOT, CHILD_AFTER_PIVOT, CHILD_PROCESS, CHILD_START -> true;
    };
  }
}
