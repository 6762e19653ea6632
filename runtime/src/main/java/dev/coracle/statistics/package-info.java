/** What the kernel counts of a container, as JSON in the shape of runc's events. */
@NullMarked
package dev.coracle.statistics;

import org.jspecify.annotations.NullMarked;
