package dev.coracle.property;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import dev.coracle.json.Json;
import dev.coracle.json.JsonException;
import dev.coracle.json.JsonParser;
import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.plan.PlanBuilder;
import dev.coracle.plan.Step;
import java.util.ArrayList;
import java.util.List;

/** One property's class on its own: what it reads of a JSON text, and what it plans. */
public final class Reading {
  private final List<String> problems = new ArrayList<>();
  private final PlanBuilder plan = new PlanBuilder();

  /** The members of an object that stands at a pointer; {@code '} stands for {@code "}. */
  public Members at(String pointer, String json) {
    byte[] bytes = json.replace('\'', '"').getBytes(UTF_8);
    try {
      Json.Obj object = (Json.Obj) requireNonNull(JsonParser.parse(bytes, 0, bytes.length));
      return new Members(
          object, Pointer.of(pointer), (at, message) -> problems.add(at + ": " + message));
    } catch (JsonException e) {
      throw new IllegalArgumentException(json, e);
    }
  }

  /** What was wrong so far. */
  public List<String> problems() {
    return problems;
  }

  /** Where steps are planned. */
  public PlanBuilder plan() {
    return plan;
  }

  /** The steps so far: phase, action and origin. */
  public List<String> steps() {
    List<String> out = new ArrayList<>();
    for (Step step : plan.build().steps()) {
      out.add(step.phase() + " " + step.action() + " " + step.origin());
    }
    return out;
  }
}
