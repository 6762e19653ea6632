/** The properties of {@code /process}. */
@NullMarked
package dev.coracle.property.process;

import org.jspecify.annotations.NullMarked;
