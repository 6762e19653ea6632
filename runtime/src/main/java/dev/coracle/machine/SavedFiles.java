package dev.coracle.machine;

/** The names of the files of a checkpoint of a machine, in its directory. */
final class SavedFiles {
  /** What the monitor knew: a SavedMachine. Written last, so that what has it is whole. */
  static final String MACHINE = "machine.json";

  /** QEMU's state, with the guest's memory. */
  static final String STATE = "machine.state";

  /** What the guest had said by its port, and nobody had read. */
  static final String SAID = "machine.said";

  /** What the relay of its files knew. */
  static final String FILES = "files.state";

  /** What the guest had asked of its files, and nobody had read. */
  static final String ASKED = "files.said";

  /** All of them, the last one first. */
  static final String[] ALL = {MACHINE, ASKED, FILES, SAID, STATE};

  private SavedFiles() {}
}
