package dev.coracle.abi;

/** set_mempolicy(2). */
public final class Mempolicy {
  public static final int MPOL_DEFAULT = 0;
  public static final int MPOL_PREFERRED = 1;
  public static final int MPOL_BIND = 2;
  public static final int MPOL_INTERLEAVE = 3;
  public static final int MPOL_LOCAL = 4;
  public static final int MPOL_PREFERRED_MANY = 5;
  public static final int MPOL_WEIGHTED_INTERLEAVE = 6;

  public static final int MPOL_F_NUMA_BALANCING = 1 << 13;
  public static final int MPOL_F_RELATIVE_NODES = 1 << 14;
  public static final int MPOL_F_STATIC_NODES = 1 << 15;

  /** No kernel is built for more (CONFIG_NODES_SHIFT is at most 10). */
  public static final int LAST_NODE = 1023;

  private Mempolicy() {}
}
