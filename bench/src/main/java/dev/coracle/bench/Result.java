package dev.coracle.bench;

import java.util.List;
import java.util.Optional;

/** One scenario in one cgroup layout, with everyone who took part in it. */
record Result(Scenario scenario, CgroupView view, int rounds, List<Figures> figures) {
  String title() {
    return view == CgroupView.ANY ? scenario.title : scenario.title + ", " + view.title;
  }

  Optional<Figures> of(String contender) {
    return figures.stream().filter(f -> f.contender().equals(contender)).findFirst();
  }

  /**
   * How many times longer {@code slow} took than {@code fast} in the median, if both were there.
   */
  Optional<Double> ratio(String slow, String fast) {
    return ratio(slow, fast, Figures.TOTAL);
  }

  /** The same for one command of a round. */
  Optional<Double> ratio(String slow, String fast, String step) {
    return of(slow)
        .flatMap(s -> of(fast).map(f -> s.medianMillis(step) / f.medianMillis(step)))
        .filter(Double::isFinite);
  }
}
