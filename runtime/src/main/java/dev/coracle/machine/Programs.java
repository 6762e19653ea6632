package dev.coracle.machine;

import dev.coracle.kernel.Kernel;
import dev.coracle.vm.RequestWriter;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The programs that run a machine. */
public interface Programs {
  /**
   * What was started.
   *
   * @param problem why it could not be; null where it was
   * @param control the socket of the guest's port, which does not block
   * @param vmm the pidfd of what runs the guest
   * @param files the pidfd of what serves its files; −1 for none
   * @param console what they and the guest say, which does not block
   * @param told what the guest is told of its devices
   */
  record Started(
      @Nullable String problem,
      int control,
      int vmm,
      int files,
      int console,
      List<RequestWriter> told) {
    static Started failed(String problem) {
      return new Started(problem, -1, -1, -1, -1, List.of());
    }
  }

  /** Starts them, in the container's namespaces and in the root around its root filesystem. */
  Started start(Kernel k);

  /** How long the guest may take to its first word. */
  int deadlineMillis();
}
