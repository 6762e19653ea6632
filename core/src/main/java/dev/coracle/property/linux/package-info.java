/** The properties below /linux, a class each: what they allow, and what they ask for. */
@NullMarked
package dev.coracle.property.linux;

import org.jspecify.annotations.NullMarked;
