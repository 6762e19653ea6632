/** Constants of the kernel's interface, grouped by manual page. */
@NullMarked
package dev.coracle.abi;

import org.jspecify.annotations.NullMarked;
