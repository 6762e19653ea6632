package dev.coracle.execute;

import org.jspecify.annotations.Nullable;

/**
 * Descriptors after stdio that the program keeps: first those of socket activation (sd_listen_fds),
 * then those of {@code --preserve-fds}.
 *
 * @param listening how many sockets the program is handed
 * @param names their names, as LISTEN_FDNAMES has them; null for none
 * @param preserved how many others it keeps
 */
public record Kept(int listening, @Nullable String names, int preserved) {
  /** None at all. */
  public static final Kept NOTHING = new Kept(0, null, 0);

  /** How many they are together. */
  public int count() {
    return listening + preserved;
  }
}
