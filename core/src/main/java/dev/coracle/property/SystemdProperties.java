package dev.coracle.property;

import dev.coracle.dbus.Value;
import dev.coracle.json.Pointer;
import dev.coracle.problem.Problems;
import dev.coracle.systemd.PropertyText;
import dev.coracle.systemd.UnitProperty;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Properties of the unit that a bundle asks for by annotations: {@code
 * org.systemd.property.CollectMode} with the value {@code 'inactive-or-failed'}. A name that ends
 * in {@code Sec} takes seconds, and stands for the property in microseconds, which ends in {@code
 * USec}.
 *
 * <p>Peers: runc docs/systemd-properties.md; crun has the same.
 */
public final class SystemdProperties {
  public static final Pointer POINTER = Pointer.of("/annotations");

  private static final String PREFIX = "org.systemd.property.";
  private static final int SHORTEST_NAME = 3;
  private static final int MICROS_DIGITS = 6;

  private SystemdProperties() {}

  /** Reads them, in order. */
  public static List<UnitProperty> read(Map<String, String> annotations, Problems problems) {
    List<UnitProperty> out = new ArrayList<>();
    for (Map.Entry<String, String> e : annotations.entrySet()) {
      if (e.getKey().startsWith(PREFIX)) {
        String name = e.getKey().substring(PREFIX.length());
        String problem = add(name, e.getValue(), out);
        if (problem != null) {
          problems.error(POINTER.child(e.getKey()), problem);
        }
      }
    }
    return out;
  }

  private static @Nullable String add(String name, String text, List<UnitProperty> out) {
    if (!isName(name)) {
      return "names no property of a unit";
    }
    PropertyText.Parsed parsed = isSeconds(name) ? seconds(text) : PropertyText.parse(text);
    Value value = parsed.value();
    if (value == null) {
      return "is not written as GVariant writes a value: " + parsed.problem() + ": " + text;
    }
    out.add(new UnitProperty(isSeconds(name) ? micros(name) : name, value));
    return null;
  }

  private static boolean isName(String name) {
    boolean good = name.length() >= SHORTEST_NAME;
    for (int i = 0; good && i < name.length(); i++) {
      int lower = name.charAt(i) | 0x20;
      good = lower >= 'a' && lower <= 'z';
    }
    return good;
  }

  /** {@code TimeoutStopSec}, but not {@code TimeoutStopUSec}. */
  private static boolean isSeconds(String name) {
    int at = name.length() - 4;
    return name.endsWith("Sec") && at >= 0 && name.charAt(at) >= 'a' && name.charAt(at) <= 'z';
  }

  private static String micros(String name) {
    return name.substring(0, name.length() - 3) + "USec";
  }

  private static PropertyText.Parsed seconds(String text) {
    int dot = text.indexOf('.');
    String whole = dot < 0 ? text : text.substring(0, dot);
    String fraction = dot < 0 ? "" : text.substring(dot + 1);
    PropertyText.Parsed parsed = PropertyText.parse(whole);
    long micros = 0;
    boolean good = dot < 0 || !fraction.isEmpty();
    for (int i = 0; i < Math.max(fraction.length(), MICROS_DIGITS); i++) {
      int digit = i < fraction.length() ? fraction.charAt(i) - '0' : 0;
      good &= digit >= 0 && digit <= 9;
      micros = i < MICROS_DIGITS ? micros * 10 + digit : micros;
    }
    if (good && parsed.value() instanceof Value.Number n && isCount(n)) {
      return new PropertyText.Parsed(Value.u64(n.bits() * 1_000_000 + micros), "");
    }
    String problem = parsed.value() == null ? parsed.problem() : "it must be seconds";
    return new PropertyText.Parsed(null, problem);
  }

  private static boolean isCount(Value.Number n) {
    return n.type() != 'b' && n.bits() >= 0 && n.bits() < Long.MAX_VALUE / 1_000_000;
  }
}
