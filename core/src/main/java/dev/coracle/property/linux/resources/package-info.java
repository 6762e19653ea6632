/** The properties of {@code /linux/resources}. */
@NullMarked
package dev.coracle.property.linux.resources;

import org.jspecify.annotations.NullMarked;
