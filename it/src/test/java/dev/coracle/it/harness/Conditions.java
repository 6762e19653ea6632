package dev.coracle.it.harness;

import static org.junit.jupiter.api.extension.ConditionEvaluationResult.disabled;
import static org.junit.jupiter.api.extension.ConditionEvaluationResult.enabled;

import java.lang.reflect.AnnotatedElement;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Leaves out, with the reason in the report, what a peer or a view does not have. */
final class Conditions implements ExecutionCondition {
  @Override
  public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
    OciRuntime runtime = OciRuntime.underTest();
    AnnotatedElement element = context.getElement().orElseThrow();
    CoracleOnly only = element.getAnnotation(CoracleOnly.class);
    if (only != null && !runtime.isCoracle()) {
      return disabled("only Coracle: " + only.value());
    }
    for (Unsupported mark : marks(context)) {
      if (mark.expect() == Unsupported.Expect.NOT_RUN) {
        return disabled(mark.runtime() + ": " + mark.reason());
      }
    }
    NeedsController needed = element.getAnnotation(NeedsController.class);
    if (needed != null && !Cgroups.here().hasController(needed.value())) {
      return disabled("the view " + Cgroups.here().view() + " has no controller " + needed.value());
    }
    return enabled("");
  }

  /** The marks of a test and its class that hold for this runtime and view. */
  static List<Unsupported> marks(ExtensionContext context) {
    List<Unsupported> marks = new ArrayList<>();
    context
        .getElement()
        .ifPresent(e -> marks.addAll(List.of(e.getAnnotationsByType(Unsupported.class))));
    context
        .getTestClass()
        .filter(c -> context.getTestMethod().isPresent())
        .ifPresent(c -> marks.addAll(List.of(c.getAnnotationsByType(Unsupported.class))));
    marks.removeIf(
        mark ->
            !mark.runtime().equals(OciRuntime.underTest().name())
                || (mark.views().length > 0
                    && !List.of(mark.views()).contains(Cgroups.here().view())));
    return marks;
  }
}
