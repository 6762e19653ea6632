/** Messages of criu's RPC (https://criu.org/RPC): protobuf, as far as a runtime needs it. */
@NullMarked
package dev.coracle.criu;

import org.jspecify.annotations.NullMarked;
