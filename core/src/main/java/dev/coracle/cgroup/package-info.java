/** Control groups: the host's layout, the container's places in it, and values for its files. */
@NullMarked
package dev.coracle.cgroup;

import org.jspecify.annotations.NullMarked;
