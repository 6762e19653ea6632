package dev.coracle.config;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The runtime-spec's own JSON schema as a list of properties, with values that it allows. */
final class Schema {
  static final Path DIRECTORY = Path.of("src/test/resources/runtime-spec-1.3/schema");
  private static final JsonMapper JACKSON = new JsonMapper();
  private static final JsonNodeFactory MAKE = JsonNodeFactory.instance;

  private final List<Property> properties = new ArrayList<>();

  /**
   * One property that has a value of its own.
   *
   * @param path keys, and {@code 0} for the element of an array
   * @param values what the schema allows, in its own right
   * @param frame a config with what the schema requires beside it
   */
  record Property(List<String> path, List<JsonNode> values, ObjectNode frame) {
    String pointer() {
      return "/" + String.join("/", path);
    }
  }

  /** A schema and the file in which its references are to be looked up. */
  private record Node(String file, JsonNode node) {
    Node at(JsonNode child) {
      Node out = new Node(file, child);
      while (out.node.has("$ref")) {
        String ref = out.node.get("$ref").asText();
        int hash = ref.indexOf('#');
        String file = hash == 0 ? out.file : ref.substring(0, hash);
        out = new Node(file, load(file).at(ref.substring(hash + 1)));
      }
      return out;
    }

    Node property(String name) {
      return at(node.get("properties").get(name));
    }
  }

  private Schema() {}

  /** All properties of config.json. */
  static List<Property> properties() {
    Schema schema = new Schema();
    Node root = new Node("config-schema.json", load("config-schema.json"));
    schema.walk(root, new ArrayList<>(), MAKE.objectNode());
    return schema.properties;
  }

  private static JsonNode load(String file) {
    try {
      return JACKSON.readTree(Files.readString(DIRECTORY.resolve(file)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void walk(Node schema, List<String> path, ObjectNode frame) {
    JsonNode node = schema.node();
    for (JsonNode part : node.path("allOf")) {
      walk(schema.at(part), path, frame);
    }
    for (JsonNode part : node.path("anyOf")) {
      walk(schema.at(part), path, frame);
    }
    if (node.has("properties")) {
      ObjectNode required = frame.deepCopy();
      for (JsonNode name : node.path("required")) {
        put(required, child(path, name.asText()), sample(schema.property(name.asText())));
      }
      for (Map.Entry<String, JsonNode> p : node.get("properties").properties()) {
        walk(schema.at(p.getValue()), child(path, p.getKey()), required);
      }
    } else if (node.has("patternProperties")) {
      JsonNode values = node.get("patternProperties").iterator().next();
      walk(schema.at(values), child(path, "key"), frame);
    } else if (node.has("additionalProperties")) {
      walk(schema.at(node.get("additionalProperties")), child(path, "key"), frame);
    } else if (node.has("items")) {
      walk(schema.at(node.get("items")), child(path, "0"), frame);
    } else if (!path.isEmpty() && !node.has("allOf") && !node.has("anyOf")) {
      properties.add(new Property(path, values(node), frame));
    }
  }

  private static List<String> child(List<String> path, String name) {
    List<String> out = new ArrayList<>(path);
    out.add(name);
    return out;
  }

  private static JsonNode sample(Node schema) {
    JsonNode node = schema.node();
    return switch (node.path("type").asText()) {
      case "array" -> MAKE.arrayNode().add(sample(schema.at(node.get("items"))));
      case "object" -> {
        ObjectNode out = MAKE.objectNode();
        for (JsonNode name : node.path("required")) {
          out.set(name.asText(), sample(schema.property(name.asText())));
        }
        yield out;
      }
      default -> values(node).get(0);
    };
  }

  private static List<JsonNode> values(JsonNode node) {
    List<JsonNode> out = new ArrayList<>();
    for (JsonNode value : node.path("enum")) {
      out.add(value);
    }
    if (!out.isEmpty()) {
      return out;
    }
    switch (node.path("type").asText()) {
      case "integer" -> {
        for (long n : new long[] {1, 2, 100, 5000}) {
          out.add(MAKE.numberNode(n));
        }
      }
      case "boolean" -> {
        out.add(MAKE.booleanNode(true));
        out.add(MAKE.booleanNode(false));
      }
      case "string" -> {
        for (String text :
            new String[] {
              "/x", "x", "0", "A=b", "rwm", "c", "RLIMIT_CPU", "2MB", "1.0.0", "CAP_CHOWN"
            }) {
          if (!node.has("pattern") || text.matches(node.get("pattern").asText())) {
            out.add(MAKE.textNode(text));
          }
        }
        if (out.isEmpty()) {
          out.add(MAKE.textNode("MB:0=1"));
        }
      }
      case "object" -> out.add(MAKE.objectNode().put("key", "x"));
      default -> throw new IllegalStateException("no value for " + node);
    }
    return out;
  }

  /** Puts a value at a path, with what is missing on the way to it. */
  static void put(JsonNode in, List<String> path, JsonNode value) {
    JsonNode at = in;
    for (int i = 0; i < path.size(); i++) {
      boolean last = i == path.size() - 1;
      boolean intoArray = !last && path.get(i + 1).equals("0");
      JsonNode next = at.isArray() ? at.get(0) : at.get(path.get(i));
      if (last) {
        next = value;
      } else if (next == null) {
        next = intoArray ? MAKE.arrayNode() : MAKE.objectNode();
      }
      if (at instanceof ObjectNode o) {
        o.set(path.get(i), next);
      } else if (at instanceof com.fasterxml.jackson.databind.node.ArrayNode a) {
        if (a.isEmpty()) {
          a.add(next);
        } else {
          a.set(0, next);
        }
      }
      at = next;
    }
  }

  /** Takes the value at a path away. */
  static void remove(JsonNode in, List<String> path) {
    JsonNode parent = in.at("/" + String.join("/", path.subList(0, path.size() - 1)));
    if (path.size() == 1) {
      parent = in;
    }
    if (parent instanceof ObjectNode o) {
      o.remove(path.get(path.size() - 1));
    } else if (parent instanceof com.fasterxml.jackson.databind.node.ArrayNode a && !a.isEmpty()) {
      a.remove(0);
    }
  }
}
