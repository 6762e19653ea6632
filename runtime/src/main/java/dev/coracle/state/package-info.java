/** Containers on disk, and what the kernel says of them. */
@NullMarked
package dev.coracle.state;

import org.jspecify.annotations.NullMarked;
