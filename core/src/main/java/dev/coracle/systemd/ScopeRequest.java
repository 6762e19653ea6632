package dev.coracle.systemd;

import java.util.List;

/**
 * A container whose cgroup systemd is to make.
 *
 * @param id the container's
 * @param asked properties that the bundle asks for: they hold against our own
 */
public record ScopeRequest(Manager manager, Scope scope, String id, List<UnitProperty> asked) {}
