package dev.coracle.config;

import dev.coracle.spec.CompiledSeccomp;

/**
 * What the text of /linux/seccomp is known to mean.
 *
 * @param from where its value begins in config.json
 * @param to one more than its last byte
 */
public record KnownFilter(int from, int to, CompiledSeccomp filter) {}
