package dev.coracle.lifecycle;

import dev.coracle.json.Pointer;
import dev.coracle.problem.Origin;
import dev.coracle.problem.Problems;
import dev.coracle.property.process.Capabilities;
import dev.coracle.spec.Process;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What {@code exec --cap} adds. Nothing becomes inheritable by it (CVE-2022-29162); what the bundle
 * made inheritable becomes ambient too, so that a user other than root has it.
 */
final class ExecCapabilities {
  private ExecCapabilities() {}

  static Process.@Nullable Capabilities with(
      Process.@Nullable Capabilities of, List<String> names, long grantable, Problems problems) {
    long added = 0;
    for (String name : names) {
      int number = Capabilities.number(name);
      if (number < 0) {
        problems.error(new Origin.Flag("--cap"), "unknown capability \"" + name + "\"");
      } else if ((grantable & 1L << number) == 0) {
        problems.warning(Pointer.ROOT, "--cap " + name + " cannot be granted and is left out");
      } else {
        added |= 1L << number;
      }
    }
    if (added == 0) {
      return of;
    }
    Process.Capabilities base = of == null ? new Process.Capabilities(0, 0, 0, 0, 0) : of;
    return new Process.Capabilities(
        base.bounding() | added,
        base.effective() | added,
        base.inheritable(),
        base.permitted() | added,
        // Ambient ones must be inheritable: only what the container itself made so.
        base.ambient() | added & base.inheritable());
  }
}
