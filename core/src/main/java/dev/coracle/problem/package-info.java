/** Problems with a configuration: collected, each with its origin. */
@NullMarked
package dev.coracle.problem;

import org.jspecify.annotations.NullMarked;
