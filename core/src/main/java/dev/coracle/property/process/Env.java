package dev.coracle.property.process;

import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** The environment (config.md, "Process"; IEEE Std 1003.1, environ). */
public final class Env {
  public static final Pointer POINTER = Pointer.of("/process/env");

  private static final int FEW = 64;

  private Env() {}

  /** Reads it: {@code NAME=value} each; of a name that stands twice the last one counts. */
  public static List<String> read(Members process) {
    List<String> env = process.strings("env");
    for (int i = 0; i < env.size(); i++) {
      int equals = env.get(i).indexOf('=');
      if (equals <= 0) {
        process.error("env", i, "must be NAME=value, not \"" + env.get(i) + "\"");
      }
    }
    return lastOnes(env);
  }

  /** The variables without those that a later one of the same name replaces. */
  public static List<String> lastOnes(List<String> env) {
    return env.size() > FEW ? lastOnesOfMany(env) : lastOnesOfFew(env);
  }

  /** A walk is faster than a set for a usual environment, but must not be quadratic. */
  private static List<String> lastOnesOfFew(List<String> env) {
    List<String> out = new ArrayList<>();
    for (int i = 0; i < env.size(); i++) {
      if (!again(env, i)) {
        out.add(env.get(i));
      }
    }
    return out;
  }

  private static List<String> lastOnesOfMany(List<String> env) {
    boolean[] keep = new boolean[env.size()];
    Set<String> names = new HashSet<>();
    for (int i = env.size() - 1; i >= 0; i--) {
      String entry = env.get(i);
      keep[i] = names.add(entry.substring(0, entry.indexOf('=') + 1));
    }
    List<String> out = new ArrayList<>();
    for (int i = 0; i < keep.length; i++) {
      if (keep[i]) {
        out.add(env.get(i));
      }
    }
    return out;
  }

  private static boolean again(List<String> env, int at) {
    String entry = env.get(at);
    String name = entry.substring(0, entry.indexOf('=') + 1);
    for (int i = at + 1; i < env.size(); i++) {
      if (env.get(i).startsWith(name)) {
        return true;
      }
    }
    return false;
  }

  /** The value of a variable, or an empty text. */
  public static String value(List<String> env, String name) {
    for (String entry : env) {
      if (entry.startsWith(name)
          && entry.length() > name.length()
          && entry.charAt(name.length()) == '=') {
        return entry.substring(name.length() + 1);
      }
    }
    return "";
  }
}
