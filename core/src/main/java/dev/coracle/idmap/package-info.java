/** The maps of user namespaces: their rules, and ids of the container as ids of the host. */
@NullMarked
package dev.coracle.idmap;

import org.jspecify.annotations.NullMarked;
