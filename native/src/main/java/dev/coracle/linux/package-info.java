/**
 * The only room that talks to the kernel: the native implementation of {@link
 * dev.coracle.kernel.Kernel}.
 */
@NullMarked
package dev.coracle.linux;

import org.jspecify.annotations.NullMarked;
