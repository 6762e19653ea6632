package dev.coracle.spec;

import java.util.List;

/**
 * A root of its own around a root filesystem, for a process that serves what runs elsewhere: the
 * root filesystem is a directory in it, and what runs in place of a program is ours.
 *
 * @param rootAt where the root filesystem is, absolute
 * @param service what the process does
 * @param mounts of the root around it, in their order
 */
public record Enclosure(String rootAt, String service, List<Mount> mounts) {}
