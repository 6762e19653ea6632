package dev.coracle.lifecycle;

import dev.coracle.execute.Rootless;
import dev.coracle.execute.Wording;
import dev.coracle.kernel.DescribingKernel;
import dev.coracle.state.FilterCache;
import dev.coracle.state.StateStore;
import java.util.List;

/**
 * What every verb works with.
 *
 * @param root the state root, absolute
 * @param variables the runtime's own environment
 * @param rootless whether cgroups may belong to others
 * @param seal the descriptor of the mount that we run from; see Seal
 * @param wording whose words failures are told in
 */
public record Environment(
    DescribingKernel kernel,
    StateStore store,
    FilterCache filters,
    String root,
    List<String> variables,
    Output output,
    Rootless rootless,
    int seal,
    Wording wording) {

  /** Where it is found out whether the runtime is rootless. */
  public Environment(
      DescribingKernel kernel,
      StateStore store,
      FilterCache filters,
      String root,
      List<String> variables,
      Output output) {
    this(kernel, store, filters, root, variables, output, Rootless.AUTO, Seal.NONE, Wording.OURS);
  }

  /** Where a verb writes. */
  public interface Output {
    /** Writes a text to standard output. */
    void print(String text) throws Failure;

    /** Tells of something that is passed over. */
    void warn(String text);

    /** Whether {@link #debug} tells anything. */
    boolean debugs();

    /** Tells how the work goes on, where that was asked for. */
    void debug(String text);
  }

  /** The value of a variable, or an empty text. */
  public String variable(String name) {
    return dev.coracle.property.process.Env.value(variables, name);
  }
}
