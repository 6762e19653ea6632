/**
 * The host's processes of a virtual machine: clients, which stand for a process in the guest, and
 * the monitor, which runs the machine and carries frames between them (docs/vm-protocol.md).
 */
@NullMarked
package dev.coracle.machine;

import org.jspecify.annotations.NullMarked;
