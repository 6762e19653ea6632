package dev.coracle.bench;

import java.util.List;
import java.util.Set;

/** The terms that all contenders met on in one cgroup layout, and whether each kept them. */
record Setup(
    CgroupView view,
    List<String> hierarchies,
    Set<Feature> features,
    List<Verification> verified,
    List<Verification> verifiedDocker) {}
