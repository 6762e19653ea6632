/** JSON read with a pointer for every value, and written without any library. */
@NullMarked
package dev.coracle.json;

import org.jspecify.annotations.NullMarked;
