/**
 * The executor: the only place that carries plans out, through the {@link
 * dev.coracle.kernel.Kernel}.
 */
@NullMarked
package dev.coracle.execute;

import org.jspecify.annotations.NullMarked;
