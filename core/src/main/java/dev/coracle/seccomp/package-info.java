/** The seccomp compiler: from a filter as the spec gives it to the kernel's program. */
@NullMarked
package dev.coracle.seccomp;

import org.jspecify.annotations.NullMarked;
