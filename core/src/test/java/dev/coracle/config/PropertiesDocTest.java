package dev.coracle.config;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coracle.plan.Step;
import java.io.IOException;
import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * docs/properties.md: where each property of the spec lives, which steps it plans, and what tests
 * it. The file is made from the schema, the sources and the plans; {@code -Dgolden.update=true}
 * writes it anew.
 */
class PropertiesDocTest {
  private static final Path TOP = Path.of("..");
  private static final Path DOC = TOP.resolve("docs/properties.md");
  private static final Path SOURCES = Path.of("src/main/java");
  private static final String PACKAGE = "dev/coracle/property";

  /** A class of the property package, and what was found out about it. */
  private static final class Owner {
    final String pointer;
    final Path file;
    final Set<String> properties = new TreeSet<>();
    final Set<String> steps = new TreeSet<>();

    Owner(String pointer, Path file) {
      this.pointer = pointer;
      this.file = file;
    }

    String name() {
      String name = file.getFileName().toString();
      return name.substring(0, name.length() - ".java".length());
    }

    boolean hasItsName() {
      return name().equalsIgnoreCase(pointer.substring(pointer.lastIndexOf('/') + 1));
    }

    boolean has(String property) {
      return property.equals(pointer) || property.startsWith(pointer + "/");
    }
  }

  /** Texts of all test sources by the names of their classes. */
  private final Map<String, String> tests = new TreeMap<>();

  @Test
  void theDocumentSaysWhatIsThere() throws Exception {
    for (String folder :
        List.of("core/src/test/java", "runtime/src/test/java", "it/src/test/java")) {
      readTests(TOP.resolve(folder));
    }
    String text = text(owners());
    if (Boolean.getBoolean("golden.update")) {
      Files.writeString(DOC, text);
    }
    assertThat(Files.readString(DOC))
        .as("docs/properties.md is stale: run with -Dgolden.update=true")
        .isEqualTo(text);
  }

  private void readTests(Path folder) throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path file : all.filter(p -> p.toString().matches(".*(Test|IT)\\.java")).toList()) {
        String name = file.getFileName().toString();
        tests.put(name.substring(0, name.length() - ".java".length()), Files.readString(file));
      }
    }
  }

  private static Map<String, Owner> owners() throws Exception {
    Map<String, Owner> owners = new TreeMap<>();
    try (Stream<Path> all = Files.walk(SOURCES.resolve(PACKAGE))) {
      for (Path file : all.filter(p -> p.toString().endsWith(".java")).sorted().toList()) {
        String pointer = pointer(file);
        if (pointer != null) {
          Owner owner = new Owner(pointer, file);
          // Some stand for a part of another's property: the one with its name counts.
          if (owner.hasItsName() || !owners.containsKey(pointer)) {
            owners.put(pointer, owner);
          }
        }
      }
    }
    for (Schema.Property property : Schema.properties()) {
      if (!SpecCoverageTest.isOfOtherPlatform(property.pointer())) {
        Owner owner = requireNonNull(owner(owners, property.pointer()), property.pointer());
        owner.properties.add(shown(owner, property.path()));
        owner.steps.addAll(steps(owner, property));
      }
    }
    return owners;
  }

  /** The constant POINTER of a class, where it has one. */
  private static @Nullable String pointer(Path file) throws Exception {
    String name = SOURCES.relativize(file).toString().replace('/', '.');
    Class<?> type = Class.forName(name.substring(0, name.length() - ".java".length()));
    for (Field field : type.getDeclaredFields()) {
      if (field.getName().equals("POINTER")) {
        field.setAccessible(true);
        return field.get(null).toString();
      }
    }
    return null;
  }

  private static @Nullable Owner owner(Map<String, Owner> owners, String property) {
    @Nullable Owner best = null;
    for (Owner owner : owners.values()) {
      if (owner.has(property) && (best == null || owner.pointer.length() > best.pointer.length())) {
        best = owner;
      }
    }
    return best;
  }

  /** The part of a property's path below its class, with {@code N} and {@code KEY} for any. */
  private static String shown(Owner owner, List<String> path) {
    StringBuilder out = new StringBuilder();
    for (String token : path) {
      out.append('/').append(token.equals("0") ? "N" : token.equals("key") ? "KEY" : token);
    }
    return out.substring(Math.min(owner.pointer.length(), out.length()));
  }

  private static Set<String> steps(Owner owner, Schema.Property property) throws IOException {
    Set<String> out = new TreeSet<>();
    for (JsonNode value : property.values()) {
      ObjectNode config = SpecCoverageTest.config(property);
      Schema.put(config, property.path(), value);
      for (Step step : SpecCoverageTest.outcome(config).steps()) {
        String origin = step.origin().toString();
        if (origin.startsWith("config.json ")
            && owner.has(origin.substring("config.json ".length()).split(":", 2)[0])) {
          out.add(step.action().getClass().getSimpleName());
        }
      }
    }
    return out;
  }

  private String text(Map<String, Owner> owners) {
    StringBuilder out =
        new StringBuilder(
            """
            # Properties

            Where each property of the runtime-spec %s lives, which steps it adds to the plan (for a
            bundle that asks for little else, on cgroup v1 and v2), and which tests name it. Made by
            `PropertiesDocTest` from the spec's schema, the sources and the plans; the test fails where
            this file is stale. A property without steps is kept for the verbs, or shapes the steps of
            others.

            """
                .formatted(dev.coracle.property.OciVersion.NEWEST));
    out.append("| property | file | steps | tests |\n|---|---|---|---|\n");
    Set<String> untested = new TreeSet<>();
    for (Owner owner : owners.values()) {
      if (!owner.properties.isEmpty()) {
        Set<String> tested = testsOf(owner);
        untested.addAll(tested.isEmpty() ? Set.of(owner.pointer) : Set.of());
        out.append("| `").append(owner.pointer.isEmpty() ? "/" : owner.pointer).append('`');
        below(out, owner);
        out.append(" | [")
            .append(owner.name())
            .append("](../core/")
            .append(owner.file)
            .append(") | ");
        out.append(String.join(", ", owner.steps)).append(" | ");
        out.append(String.join(", ", tested)).append(" |\n");
      }
    }
    assertThat(untested).as("properties that no test names").isEmpty();
    return out.toString();
  }

  private static void below(StringBuilder out, Owner owner) {
    List<String> names = new ArrayList<>();
    for (String property : owner.properties) {
      if (!property.isEmpty() && !property.equals("/N")) {
        names.add("`" + property.substring(1) + "`");
      }
    }
    if (!names.isEmpty()) {
      out.append(": ").append(String.join(", ", names));
    }
  }

  private Set<String> testsOf(Owner owner) {
    Set<String> out = new TreeSet<>();
    for (Map.Entry<String, String> test : tests.entrySet()) {
      boolean byName = test.getKey().matches("(Process|Linux)?" + owner.name() + "(Test|IT)");
      String text = test.getValue();
      boolean byPointer =
          text.contains("\"" + owner.pointer + "\"") || text.contains("\"" + owner.pointer + "/");
      if (byName || byPointer && !owner.pointer.isEmpty()) {
        out.add(test.getKey());
      }
    }
    return out;
  }
}
