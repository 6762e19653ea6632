package dev.coracle.plan;

import java.util.ArrayList;
import java.util.List;

/** What will be done, in order. It is data: nothing runs by making it, and it can be printed. */
public record Plan(List<Step> steps) {

  /** The steps of one phase, in order. */
  public List<Step> in(Phase phase) {
    List<Step> out = new ArrayList<>();
    for (Step s : steps) {
      if (s.phase() == phase) {
        out.add(s);
      }
    }
    return out;
  }
}
