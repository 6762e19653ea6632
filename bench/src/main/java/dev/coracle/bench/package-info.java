/** The side-by-side benchmark: sets the stage, lets the C driver measure, judges and reports. */
@NullMarked
package dev.coracle.bench;

import org.jspecify.annotations.NullMarked;
