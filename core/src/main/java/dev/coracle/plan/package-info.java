/** The plan: what will be done, by whom, in which order, and which property asked for it. */
@NullMarked
package dev.coracle.plan;

import org.jspecify.annotations.NullMarked;
