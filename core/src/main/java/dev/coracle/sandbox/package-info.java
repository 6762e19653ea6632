/** Sandboxes: pure rewrites from a Spec to a Spec. */
@NullMarked
package dev.coracle.sandbox;

import org.jspecify.annotations.NullMarked;
