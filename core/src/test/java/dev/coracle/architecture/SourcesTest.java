package dev.coracle.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.plan.Action;
import org.junit.jupiter.api.Test;

/** How the sources of core, runtime and native are written, where bytecode does not tell. */
class SourcesTest {
  @Test
  void noRecordDeconstruction() {
    assertThat(Sources.deconstructions())
        .as("each adds a try per accessor, and two guarded ones crash TeaVM (reference/teavm.md)")
        .isEmpty();
  }

  @Test
  void noDefaultBesideTypePatterns() {
    assertThat(Sources.defaultsBesideTypePatterns())
        .as("a default would hide a new kind of a sealed type from the compiler")
        .isEmpty();
  }

  @Test
  void everyActionIsDataHasWordsAndIsCarriedOut() {
    String words = Sources.text("src/main/java/dev/coracle/plan/ActionText.java");
    String executor = Sources.text("../runtime/src/main/java/dev/coracle/execute/Steps.java");
    for (Class<?> action : Action.class.getPermittedSubclasses()) {
      String arm = "case Action." + action.getSimpleName() + " ";
      assertThat(action.isRecord()).as(action + " is a record").isTrue();
      assertThat(words).contains(arm);
      assertThat(executor).contains(arm);
    }
  }
}
