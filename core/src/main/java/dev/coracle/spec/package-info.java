/** The runtime-spec's configuration as immutable records with the spec's own names. */
@NullMarked
package dev.coracle.spec;

import org.jspecify.annotations.NullMarked;
