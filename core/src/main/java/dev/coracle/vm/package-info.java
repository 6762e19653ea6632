/** The microVM sandbox: what host and guest say to each other, and what a machine is made of. */
@NullMarked
package dev.coracle.vm;

import org.jspecify.annotations.NullMarked;
