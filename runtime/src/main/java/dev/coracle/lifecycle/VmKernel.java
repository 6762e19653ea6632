package dev.coracle.lifecycle;

import dev.coracle.vmm.Kernels;
import dev.coracle.vmm.Refused;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** {@code vm kernel}: the kernels that virtual machines can start. */
public final class VmKernel {
  private static final String ACTIONS =
      "vm kernel add NAME FILE, list, remove NAME or default NAME";

  /**
   * What is asked for.
   *
   * @param words the word kernel, the action, and what it takes
   * @param kernels where they are; null for where it is configured
   * @param modules of a kernel that is added; null for none
   * @param initrd of a kernel that is added; null for none
   */
  public record Request(
      List<String> words,
      @Nullable String kernels,
      @Nullable String modules,
      @Nullable String initrd) {}

  private VmKernel() {}

  /** Does it, and returns what there is to tell. */
  public static String run(Environment e, Request request) throws Failure {
    List<String> words = request.words();
    if (words.size() < 2 || !words.get(0).equals("kernel")) {
      throw new Failure("there are " + ACTIONS);
    }
    String directory = request.kernels();
    Kernels kernels =
        new Kernels(e.kernel(), directory == null ? Settings.read(e).kernels() : directory);
    String action = words.get(1);
    int wanted =
        switch (action) {
          case "list" -> 2;
          case "add" -> 4;
          case "remove", "default" -> 3;
          default -> -1;
        };
    if (words.size() != wanted) {
      throw new Failure("there are " + ACTIONS);
    }
    if (!action.equals("add") && (request.modules() != null || request.initrd() != null)) {
      throw new Failure("--modules and --initrd are for vm kernel add");
    }
    try {
      return act(kernels, action, request);
    } catch (Refused refused) {
      throw new Failure("vm kernel " + action + ": " + refused.getMessage());
    }
  }

  private static String act(Kernels kernels, String action, Request request) throws Refused {
    List<String> words = request.words();
    switch (action) {
      case "add" -> {
        Kernels.Stored s =
            kernels.add(words.get(2), words.get(3), request.modules(), request.initrd());
        return line(s, s.name().equals(kernels.defaultName()));
      }
      case "remove" -> kernels.remove(words.get(2));
      case "default" -> kernels.setDefault(words.get(2));
      default -> {
        StringBuilder out = new StringBuilder();
        String standing = kernels.defaultName();
        for (Kernels.Stored s : kernels.all()) {
          out.append(line(s, s.name().equals(standing)));
        }
        return out.toString();
      }
    }
    return "";
  }

  private static String line(Kernels.Stored s, boolean standing) {
    String image = s.image().substring(s.image().lastIndexOf('/') + 1);
    return s.name()
        + (standing ? " (default)" : "")
        + ": "
        + (s.release().isEmpty() ? "Linux" : "Linux " + s.release())
        + ", "
        + image
        + (s.note().isEmpty() ? "" : ", " + s.note())
        + "\n";
  }
}
