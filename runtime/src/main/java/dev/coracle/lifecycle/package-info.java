/** The verbs, one file each. */
@NullMarked
package dev.coracle.lifecycle;

import org.jspecify.annotations.NullMarked;
