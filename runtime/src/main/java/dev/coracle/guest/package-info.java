/**
 * The guest's first process: it sets the machine up, runs the container by our own verbs, and
 * speaks with the monitor on the host (docs/vm-protocol.md).
 */
@NullMarked
package dev.coracle.guest;

import org.jspecify.annotations.NullMarked;
