package dev.coracle.vm;

import java.util.List;

/** The kernel's command line: what makes it start soon, and end when it should. */
public final class KernelParameters {
  /**
   * Of every machine: a panic ends it, its messages go to the console's file, its random numbers
   * may come from the processor (and the host gives more), and a network card has the name that the
   * agent gives it. {@code cryptomgr.notests} saves 240 ms of processor time under TCG.
   */
  private static final String ALWAYS =
      "console=ttyS0 reboot=t panic=-1 cryptomgr.notests random.trust_cpu=on net.ifnames=0";

  /**
   * Under TCG a guest cannot measure how fast its clock is, on a busy host: it hangs ("Unable to
   * calibrate against PIT") where it is not told. {@code noreplace-smp} leaves the kernel's locks
   * as they are, which saves what its patching of itself costs: a tenth of the whole boot.
   */
  private static final String TCG = " no_timer_check noreplace-smp";

  private static final String CLOCK = " tsc=reliable tsc_early_khz=";

  private KernelParameters() {}

  /**
   * The text.
   *
   * @param tscKhz of the host, or 0 where it is not known
   * @param debug whether the kernel tells how it starts
   * @param more what was asked for, as it is: the last ones count
   */
  public static String text(
      Accelerator accelerator, MachineType type, long tscKhz, boolean debug, List<String> more) {
    StringBuilder out = new StringBuilder(ALWAYS);
    out.append(debug ? " ignore_loglevel earlyprintk=ttyS0" : " quiet");
    if (accelerator == Accelerator.TCG) {
      out.append(TCG);
      if (tscKhz > 0) {
        out.append(CLOCK).append(tscKhz);
      }
    }
    if (type == MachineType.MICROVM) {
      // Only a bzImage asks the firmware for disks, and the one of a microvm never answers.
      out.append(" edd=off");
    }
    for (String parameter : more) {
      if (!parameter.isEmpty()) {
        out.append(' ').append(parameter);
      }
    }
    return out.toString();
  }
}
