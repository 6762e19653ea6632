package dev.coracle.it.harness;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/**
 * Gives each test its {@link Testbed}, and fails it if it leaves a cgroup, mount, process or state.
 *
 * <p>A failed test is cleaned up after, so that the next one starts clean.
 */
final class Leftovers implements ParameterResolver, AfterEachCallback {
  private static final Namespace SPACE = Namespace.create(Leftovers.class);

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
    return parameter.getParameter().getType() == Testbed.class;
  }

  @Override
  public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
    return context.getStore(SPACE).computeIfAbsent(Testbed.class, c -> new Testbed());
  }

  static Optional<Testbed> bedOf(ExtensionContext context) {
    return Optional.ofNullable(context.getStore(SPACE).get(Testbed.class, Testbed.class));
  }

  @Override
  public void afterEach(ExtensionContext context) {
    bedOf(context)
        .ifPresent(
            bed -> {
              List<String> left = bed.leftovers();
              bed.destroy();
              if (!left.isEmpty() && Conditions.marks(context).isEmpty()) {
                throw new AssertionError("left behind:\n  " + String.join("\n  ", left));
              }
            });
  }
}
