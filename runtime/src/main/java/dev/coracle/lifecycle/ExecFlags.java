package dev.coracle.lifecycle;

import dev.coracle.json.Pointer;
import dev.coracle.problem.Origin;
import dev.coracle.property.process.ApparmorProfile;
import dev.coracle.property.process.Cwd;
import dev.coracle.property.process.SelinuxLabel;
import dev.coracle.property.process.User;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The flags of {@code exec} that stand for a property: an error names the flag then. */
final class ExecFlags {
  private ExecFlags() {}

  /** Who asked for what, by pointer, where it was not the container's config.json. */
  static Map<String, Origin> origins(Exec.Request request) {
    Map<String, Origin> out = new HashMap<>();
    if (request.processFile() == null) {
      put(out, request.cwd(), Cwd.POINTER, "--cwd");
      put(out, request.user(), User.POINTER, "--user");
      put(out, request.apparmor(), ApparmorProfile.POINTER, "--apparmor");
      put(out, request.processLabel(), SelinuxLabel.POINTER, "--process-label");
    }
    return out;
  }

  private static void put(
      Map<String, Origin> out, @Nullable String value, Pointer pointer, String flag) {
    if (value != null) {
      out.put(pointer.toString(), new Origin.Flag(flag));
    }
  }
}
