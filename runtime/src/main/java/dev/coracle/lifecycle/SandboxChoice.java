package dev.coracle.lifecycle;

import dev.coracle.sandbox.SandboxKind;
import dev.coracle.spec.Spec;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Chooses the sandbox: the flag, then the environment, then the bundle's annotation. An annotation
 * may come from whoever may start containers; that it lifts the isolation must be allowed first.
 */
final class SandboxChoice {
  static final String ANNOTATION = "dev.coracle.sandbox";
  static final String VARIABLE = "CORACLE_HOST";
  static final String RUNPROC_ANNOTATION = "runproc.host";
  static final String RUNPROC_VARIABLE = "RUNPROC_HOST";

  private SandboxChoice() {}

  /**
   * Chooses.
   *
   * @param flag the value of --sandbox; null where it was not given
   * @param calledAs the name by which we are called
   */
  static SandboxKind choose(Environment e, Spec spec, @Nullable String flag, CalledAs calledAs)
      throws Failure {
    if (flag != null) {
      return kind(flag, "--sandbox");
    }
    if (e.variable(VARIABLE).equals("1")) {
      return SandboxKind.HOST;
    }
    if (calledAs == CalledAs.RUNPROC) {
      String asked = spec.annotations().get(RUNPROC_ANNOTATION);
      boolean host = "1".equals(asked) || e.variable(RUNPROC_VARIABLE).equals("1");
      return host ? SandboxKind.HOST : SandboxKind.CONTAINER;
    }
    String word = spec.annotations().get(ANNOTATION);
    if (word == null || word.isEmpty()) {
      boolean machine = calledAs == CalledAs.VM && !isPod(spec);
      return machine ? SandboxKind.MICROVM : SandboxKind.CONTAINER;
    }
    String origin = "config.json /annotations/" + ANNOTATION;
    SandboxKind kind = kind(word, origin);
    if (kind == SandboxKind.HOST && !Settings.read(e).hostByAnnotation()) {
      throw new Failure(
          origin
              + ": the host sandbox may not be chosen by an annotation; allow it with"
              + " allow_annotation = true under [host] in "
              + Settings.path(e));
    }
    return kind;
  }

  /** Whether it is the one that only holds a pod's namespaces: nothing of anybody runs in it. */
  private static boolean isPod(Spec spec) {
    for (String annotation :
        List.of("io.kubernetes.cri.container-type", "io.kubernetes.cri-o.ContainerType")) {
      if ("sandbox".equals(spec.annotations().get(annotation))) {
        return true;
      }
    }
    return false;
  }

  private static SandboxKind kind(String word, String origin) throws Failure {
    SandboxKind kind = SandboxKind.of(word);
    if (kind == null || kind == SandboxKind.GUEST) {
      throw new Failure(
          origin + ": unknown sandbox \"" + word + "\"; there are container, host and microvm");
    }
    return kind;
  }
}
