/** The properties of {@code /linux}. */
@NullMarked
package dev.coracle.property.linux;

import org.jspecify.annotations.NullMarked;
