package dev.coracle.spec;

import dev.coracle.problem.Origin;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The hooks of all six kinds (config.md, "POSIX-platform Hooks"). */
public record Hooks(
    List<Hook> prestart,
    List<Hook> createRuntime,
    List<Hook> createContainer,
    List<Hook> startContainer,
    List<Hook> poststart,
    List<Hook> poststop) {

  /** No hook at all. */
  public static final Hooks NONE =
      new Hooks(List.of(), List.of(), List.of(), List.of(), List.of(), List.of());

  /**
   * One hook.
   *
   * @param path absolute
   * @param args with the name first; empty means the path alone
   * @param env null means an empty environment
   * @param timeoutSeconds null means no limit
   */
  public record Hook(
      String path,
      List<String> args,
      @Nullable List<String> env,
      @Nullable Integer timeoutSeconds,
      Origin origin) {}
}
