/** The D-Bus wire format: messages to bytes and back (D-Bus Specification 0.43). */
@NullMarked
package dev.coracle.dbus;

import org.jspecify.annotations.NullMarked;
