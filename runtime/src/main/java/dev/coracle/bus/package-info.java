/** D-Bus over a socket of the kernel, and systemd at its other end. */
@NullMarked
package dev.coracle.bus;

import org.jspecify.annotations.NullMarked;
