package dev.coracle.problem;

import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import java.util.ArrayList;
import java.util.List;

/** The problems found so far: all of them are told at once, so none of them stops the search. */
public final class Problems implements Members.Sink {
  private final List<Problem> all = new ArrayList<>();
  private int errors;

  /** Adds an error at a property. */
  @Override
  public void error(Pointer at, String message) {
    error(Origin.of(at), message);
  }

  /** Adds an error. */
  public void error(Origin origin, String message) {
    all.add(new Problem(Problem.Severity.ERROR, origin, message));
    errors++;
  }

  /** Adds a warning at a property. */
  @Override
  public void warning(Pointer at, String message) {
    warning(Origin.of(at), message);
  }

  /** The same of what is no property. */
  public void warning(Origin origin, String message) {
    all.add(new Problem(Problem.Severity.WARNING, origin, message));
  }

  /** Whether nothing may be done. */
  public boolean hasErrors() {
    return errors > 0;
  }

  /** All problems, in the order in which they were found. */
  public List<Problem> all() {
    return all;
  }

  /** The errors, one a line. */
  public String errorText() {
    return text(Problem.Severity.ERROR);
  }

  /** The warnings, one a line. */
  public String warningText() {
    return text(Problem.Severity.WARNING);
  }

  private String text(Problem.Severity severity) {
    StringBuilder out = new StringBuilder();
    for (Problem p : all) {
      if (p.severity() == severity) {
        if (out.length() > 0) {
          out.append('\n');
        }
        out.append(p);
      }
    }
    return out.toString();
  }
}
