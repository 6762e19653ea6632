package dev.coracle.spec;

/**
 * The root filesystem (config.md, "Root").
 *
 * @param path absolute, or relative to the bundle
 * @param readonly whether the root mount is made read-only
 */
public record Root(String path, boolean readonly) {

  /** The absolute path, for a bundle's absolute path. */
  public String in(String bundle) {
    return path.startsWith("/") ? path : bundle + "/" + path;
  }
}
