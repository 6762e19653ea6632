/** The one seam to the kernel: system calls as they are in section 2 of the manual. */
@NullMarked
package dev.coracle.kernel;

import org.jspecify.annotations.NullMarked;
