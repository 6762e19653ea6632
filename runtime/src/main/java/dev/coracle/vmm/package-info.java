/** What a machine is made of on this host: kernels, their first root, QEMU, and what can run it. */
@NullMarked
package dev.coracle.vmm;

import org.jspecify.annotations.NullMarked;
