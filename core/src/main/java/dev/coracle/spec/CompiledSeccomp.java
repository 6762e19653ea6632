package dev.coracle.spec;

/**
 * A filter that was compiled before.
 *
 * @param program an array of struct sock_filter
 * @param flags {@code SECCOMP_FILTER_FLAG_*} as the kernel's bits
 */
public record CompiledSeccomp(byte[] program, long flags) implements SystemCallFilter {
  @Override
  public boolean notifies() {
    return false;
  }
}
