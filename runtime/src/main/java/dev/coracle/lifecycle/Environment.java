package dev.coracle.lifecycle;

import dev.coracle.kernel.DescribingKernel;
import dev.coracle.state.StateStore;
import java.util.List;

/**
 * What every verb works with.
 *
 * @param root the state root, absolute
 * @param variables the runtime's own environment
 */
public record Environment(
    DescribingKernel kernel, StateStore store, String root, List<String> variables, Output output) {

  /** Where a verb writes. */
  public interface Output {
    /** Writes a text to standard output. */
    void print(String text);

    /** Tells of something that is passed over. */
    void warn(String text);
  }

  /** The value of a variable, or an empty text. */
  public String variable(String name) {
    return dev.coracle.property.process.Env.value(variables, name);
  }
}
