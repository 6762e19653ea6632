package dev.coracle.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The lines that tell the driver what one contender runs; {@code lap.c} has the grammar. */
final class Plan {
  private final List<String> lines = new ArrayList<>();

  Plan(String contender) {
    line(List.of("contender", contender));
  }

  /** A command that runs once before all rounds, and is not timed. */
  Plan before(List<String> command) {
    return line("before", List.of(), command);
  }

  /** A command that every round times under {@code label}. */
  Plan timed(String label, List<String> command) {
    return line("do", List.of(label), command);
  }

  /** Waits in every round for the end of the container whose pid is in {@code pidFile}. */
  Plan await(Path pidFile, int status) {
    return line("wait", List.of(), List.of(pidFile.toString(), Integer.toString(status)));
  }

  /** A command that runs once after all rounds, even after a failure. */
  Plan after(List<String> command) {
    return line("after", List.of(), command);
  }

  String text() {
    return String.join("\n", lines) + "\n";
  }

  private Plan line(String kind, List<String> labels, List<String> command) {
    List<String> words = new ArrayList<>(List.of(kind));
    words.addAll(labels);
    words.addAll(command);
    return line(words);
  }

  private Plan line(List<String> words) {
    for (String word : words) {
      if (word.isEmpty() || word.indexOf('\t') >= 0 || word.indexOf('\n') >= 0) {
        throw new IllegalArgumentException("the driver cannot be told \"" + word + "\"");
      }
    }
    lines.add(String.join("\t", words));
    return this;
  }
}
