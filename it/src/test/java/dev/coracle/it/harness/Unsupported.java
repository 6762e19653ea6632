package dev.coracle.it.harness;

import java.lang.annotation.ElementType;
import java.lang.annotation.Repeatable;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * A test that a runtime is known not to pass, and why.
 *
 * <p>It is run all the same and must fail: a mark that is no longer true is found.
 */
@Target({ElementType.METHOD, ElementType.TYPE})
@Retention(RetentionPolicy.RUNTIME)
@Repeatable(Unsupported.All.class)
public @interface Unsupported {
  /** The basename of the runtime. */
  String runtime();

  String reason();

  /** The views of cgroups in which this holds; all if empty. */
  Cgroups.View[] views() default {};

  /** What becomes of the test. */
  Expect expect() default Expect.FAILURE;

  /** What is known of the test's outcome. */
  enum Expect {
    /** It runs, and it is an error if it passes. */
    FAILURE,
    /** It runs, and may pass: a matter of time, or only some of its cases fail. */
    EITHER,
    /** It is not run: it would take too long, or harm the machine. */
    NOT_RUN
  }

  /** Several of them. */
  @Target({ElementType.METHOD, ElementType.TYPE})
  @Retention(RetentionPolicy.RUNTIME)
  @interface All {
    Unsupported[] value();
  }
}
