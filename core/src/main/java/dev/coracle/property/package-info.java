/** The properties of config.json, a file each, named as the property is. */
@NullMarked
package dev.coracle.property;

import org.jspecify.annotations.NullMarked;
