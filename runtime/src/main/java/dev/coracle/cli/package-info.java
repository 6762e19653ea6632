/** The command line, its outputs and its log. */
@NullMarked
package dev.coracle.cli;

import org.jspecify.annotations.NullMarked;
