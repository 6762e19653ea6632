/**
 * Tests on a real kernel, one class for each property of config.json or behaviour of the runtime.
 */
@NullMarked
package dev.coracle.it;

import org.jspecify.annotations.NullMarked;
