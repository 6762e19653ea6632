package dev.coracle.bench;

import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/**
 * What the command line asked for.
 *
 * @param tools where {@code lap}, {@code floor} and {@code nothing} were compiled to
 * @param only names of the contenders to run; empty for all
 * @param runCvmLike whether a guest is booted as RunCVM's are, too
 */
record Options(
    Path coracle,
    Path tools,
    Path out,
    Path chart,
    int rounds,
    boolean quick,
    Set<String> only,
    boolean runCvmLike) {
  private static final int FULL_ROUNDS = 100;
  private static final int QUICK_ROUNDS = 15;

  static final String USAGE =
      """
      usage: bench/run.sh [CORACLE] [--rounds N] [--quick] [--out DIR] [--chart FILE] [--only NAME,...] [--runcvm-like]
        CORACLE       the binary to measure (target/coracle)
        --rounds N    cycles of each contender in each warm scenario (100)
        --quick       15 rounds; the chart goes to the --out directory
        --out DIR     where bench.json goes (target/bench)
        --chart FILE  where the chart goes (docs/bench.svg)
        --only NAMES  of coracle, crun, runc, floor3, floor1, nothing: without the others between
        --runcvm-like boots a guest as RunCVM's are, too (fetches 75 MB of Debian's packages once)""";

  /** Reads {@code args}; an {@link IllegalArgumentException} says what is wrong with them. */
  static Options parse(List<String> args, Path top) {
    Path coracle = top.resolve("target/coracle");
    Path out = top.resolve("target/bench");
    Path chart = null;
    int rounds = 0;
    boolean quick = false;
    Set<String> only = Set.of();
    boolean runCvmLike = false;
    for (int i = 0; i < args.size(); i++) {
      String arg = args.get(i);
      switch (arg) {
        case "--quick" -> quick = true;
        case "--runcvm-like" -> runCvmLike = true;
        case "--rounds" -> rounds = positive(value(args, ++i));
        case "--out" -> out = Path.of(value(args, ++i));
        case "--chart" -> chart = Path.of(value(args, ++i));
        case "--only" -> only = Set.of(value(args, ++i).split(",", -1));
        default -> {
          if (arg.startsWith("-")) {
            throw new IllegalArgumentException("unknown option \"" + arg + "\"");
          }
          coracle = Path.of(arg);
        }
      }
    }
    if (rounds == 0) {
      rounds = quick ? QUICK_ROUNDS : FULL_ROUNDS;
    }
    if (chart == null) {
      // A quick look is not worth publishing.
      chart = quick ? out.resolve("bench.svg") : top.resolve("docs/bench.svg");
    }
    Path tools = top.resolve("target/bench");
    return new Options(
        coracle.toAbsolutePath().normalize(),
        tools.toAbsolutePath().normalize(),
        out.toAbsolutePath().normalize(),
        chart.toAbsolutePath().normalize(),
        rounds,
        quick,
        only,
        runCvmLike);
  }

  /** Cold cycles: each takes about a second of disk, so there are fewer. */
  int coldRounds() {
    return Math.max(5, rounds / 5);
  }

  private static String value(List<String> args, int at) {
    if (at >= args.size()) {
      throw new IllegalArgumentException("option \"" + args.get(at - 1) + "\" needs a value");
    }
    return args.get(at);
  }

  private static int positive(String text) {
    try {
      int n = Integer.parseInt(text);
      if (n > 0) {
        return n;
      }
    } catch (NumberFormatException e) {
      // said below
    }
    throw new IllegalArgumentException("not a number of rounds: \"" + text + "\"");
  }
}
