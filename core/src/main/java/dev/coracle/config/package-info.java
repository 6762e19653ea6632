/** From config.json's bytes to the Spec, and from the Spec to the Plan. */
@NullMarked
package dev.coracle.config;

import org.jspecify.annotations.NullMarked;
