package dev.coracle.state;

import dev.coracle.systemd.ScopeRequest;
import org.jspecify.annotations.Nullable;

/**
 * The scope of a container, as it is kept: {@code system UNIT} or {@code user UNIT}; nothing where
 * systemd has no part in it.
 */
public record ScopeText(String text) {
  /** No scope. */
  public static final ScopeText NONE = new ScopeText("");

  private static final String USER = "user ";
  private static final String SYSTEM = "system ";

  /** The scope that is asked for. */
  public static ScopeText of(@Nullable ScopeRequest request) {
    return request == null
        ? NONE
        : new ScopeText((request.manager().user() ? USER : SYSTEM) + request.scope().unit());
  }

  /** Whether a user's own systemd has it. */
  public boolean isUser() {
    return text.startsWith(USER);
  }

  /** The unit's name; empty where there is none. */
  public String unit() {
    return text.substring(text.indexOf(' ') + 1);
  }
}
