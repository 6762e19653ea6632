package dev.coracle.it.harness;

import java.lang.reflect.Method;
import java.util.List;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.InvocationInterceptor;
import org.junit.jupiter.api.extension.ReflectiveInvocationContext;
import org.opentest4j.TestAbortedException;

/** Runs tests that a runtime is known not to pass, and reports them as aborted when they fail. */
final class ExpectedFailures implements InvocationInterceptor {
  @Override
  public void interceptTestMethod(
      Invocation<Void> invocation,
      ReflectiveInvocationContext<Method> method,
      ExtensionContext context)
      throws Throwable {
    intercept(invocation, context);
  }

  @Override
  public void interceptTestTemplateMethod(
      Invocation<Void> invocation,
      ReflectiveInvocationContext<Method> method,
      ExtensionContext context)
      throws Throwable {
    intercept(invocation, context);
  }

  private static void intercept(Invocation<Void> invocation, ExtensionContext context)
      throws Throwable {
    List<Unsupported> marks = Conditions.marks(context);
    if (marks.isEmpty()) {
      invocation.proceed();
      return;
    }
    Unsupported mark = marks.getFirst();
    try {
      invocation.proceed();
      // Leftovers are failures too.
      Leftovers.bedOf(context)
          .filter(bed -> !bed.leftovers().isEmpty())
          .ifPresent(
              bed -> {
                throw new AssertionError(bed.leftovers());
              });
    } catch (TestAbortedException notHere) {
      throw notHere;
    } catch (Throwable failure) {
      throw new TestAbortedException(
          mark.runtime() + ": " + mark.reason() + " [" + failure.getMessage() + "]");
    }
    if (mark.expect() == Unsupported.Expect.FAILURE) {
      throw new AssertionError(
          "passes, but is marked as unsupported by " + mark.runtime() + ": " + mark.reason());
    }
    // Where it does so in each view and each time, the mark is not needed.
    System.out.println(
        "passes, though "
            + mark.runtime()
            + " need not: "
            + context.getRequiredTestClass().getSimpleName()
            + "."
            + context.getRequiredTestMethod().getName());
  }
}
