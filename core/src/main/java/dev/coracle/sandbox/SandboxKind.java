package dev.coracle.sandbox;

import org.jspecify.annotations.Nullable;

/** The sandboxes in which one and the same bundle runs. */
public enum SandboxKind {
  /** A Linux container: namespaces, its own root, cgroups. */
  CONTAINER("container"),
  /** A plain process of the host with the lifecycle of a container. */
  HOST("host"),
  /** A virtual machine that boots a kernel over the container's root. */
  MICROVM("microvm"),
  /** The guest's half of a container in a virtual machine; on a host nobody can ask for it. */
  GUEST("guest");

  private final String word;

  SandboxKind(String word) {
    this.word = word;
  }

  /** The word in annotations and flags. */
  public String word() {
    return word;
  }

  /** The sandbox of this word, or null. */
  public static @Nullable SandboxKind of(String word) {
    for (SandboxKind kind : values()) {
      if (kind.word.equals(word)) {
        return kind;
      }
    }
    return null;
  }
}
