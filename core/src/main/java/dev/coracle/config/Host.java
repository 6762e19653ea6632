package dev.coracle.config;

import dev.coracle.cgroup.CgroupLayout;

/**
 * What planning needs to know of the host, read once.
 *
 * @param cgroups how cgroups are mounted
 * @param capabilities what the runtime may grant, as a bit mask
 */
public record Host(CgroupLayout cgroups, long capabilities) {}
