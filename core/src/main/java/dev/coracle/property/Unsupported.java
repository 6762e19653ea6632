package dev.coracle.property;

import dev.coracle.json.Json;
import dev.coracle.json.Members;
import org.jspecify.annotations.Nullable;

/**
 * Properties of the spec that are known and not yet supported: one that asks for something is an
 * error, so that nothing is silently dropped.
 */
public final class Unsupported {
  private static final String CONFIG = "vm";
  private static final String LINUX = "intelRdt";

  private Unsupported() {}

  /** Checks the top of config.json. */
  public static void checkConfig(Members config) {
    check(config, CONFIG);
  }

  /** Checks /linux. */
  public static void checkLinux(Members linux) {
    check(linux, LINUX);
  }

  private static void check(Members members, String keys) {
    int from = 0;
    while (from < keys.length()) {
      int to = keys.indexOf(' ', from);
      if (to < 0) {
        to = keys.length();
      }
      String key = keys.substring(from, to);
      if (asksForSomething(members.raw(key))) {
        members.error(key, "is not yet supported");
      }
      from = to + 1;
    }
  }

  /** An empty text, list or object asks for nothing. */
  private static boolean asksForSomething(@Nullable Json value) {
    return switch (value) {
      case null -> false;
      case Json.Str s -> !s.value().isEmpty();
      case Json.Arr a -> !a.items().isEmpty();
      case Json.Obj o -> !o.keys().isEmpty();
      case Json.Int i -> true;
      case Json.Other o -> true;
      case Json.Bool b -> b.value();
      case Json.Null n -> false;
    };
  }
}
