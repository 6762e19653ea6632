/** Facts of the host, read once. */
@NullMarked
package dev.coracle.host;

import org.jspecify.annotations.NullMarked;
