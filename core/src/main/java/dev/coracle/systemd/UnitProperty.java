package dev.coracle.systemd;

import dev.coracle.dbus.Value;

/** A property of a unit, as StartTransientUnit and SetUnitProperties take it. */
public record UnitProperty(String name, Value value) {
  /** As the elements of {@code a(sv)} are. */
  public Value argument() {
    return Value.struct(Value.of(name), new Value.Variant(value));
  }

  @Override
  public String toString() {
    return name + "=" + value;
  }
}
