/** Tests of what the benchmark computes; what it measures needs root and is not tested here. */
@NullMarked
package dev.coracle.bench;

import org.jspecify.annotations.NullMarked;
