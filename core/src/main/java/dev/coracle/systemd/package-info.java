/** What systemd is told of a container: the scope's name and its properties. */
@NullMarked
package dev.coracle.systemd;

import org.jspecify.annotations.NullMarked;
