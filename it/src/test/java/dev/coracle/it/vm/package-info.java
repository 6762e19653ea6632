/** The guest's side of a container in a virtual machine, with a double of the monitor. */
@NullMarked
package dev.coracle.it.vm;

import org.jspecify.annotations.NullMarked;
