package dev.coracle.problem;

import dev.coracle.json.Pointer;

/** Who asked for something: it stands at the front of every error and behind every step. */
public sealed interface Origin {
  /** A property of config.json. */
  record Property(Pointer pointer) implements Origin {
    @Override
    public String toString() {
      return "config.json " + pointer;
    }
  }

  /** A flag or an argument of the command line. */
  record Flag(String flag) implements Origin {
    @Override
    public String toString() {
      return flag;
    }
  }

  /** A rule of the spec that holds without any property, such as the default devices. */
  record Default(String rule) implements Origin {
    @Override
    public String toString() {
      return "default " + rule;
    }
  }

  /** A sandbox's rewrite of something that had an origin of its own. */
  record Rewrite(String sandbox, Origin of) implements Origin {
    @Override
    public String toString() {
      return of + " (sandbox " + sandbox + ")";
    }
  }

  /** The property at {@code pointer}. */
  static Origin of(Pointer pointer) {
    return new Property(pointer);
  }
}
