package dev.coracle.spec;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Cgroup limits (config-linux.md, "Control groups"); null and absent parts are not touched. */
public record Resources(
    List<DeviceRule> devices,
    @Nullable Memory memory,
    @Nullable Cpu cpu,
    @Nullable Long pidsLimit) {

  /**
   * One rule of the device whitelist.
   *
   * @param type {@code a}, {@code b} or {@code c}
   * @param major null for all
   * @param minor null for all
   * @param access of {@code rwm}
   */
  public record DeviceRule(
      boolean allow, char type, @Nullable Long major, @Nullable Long minor, String access) {}

  /** Memory limits in bytes; −1 is unlimited. */
  public record Memory(
      @Nullable Long limitBytes,
      @Nullable Long reservationBytes,
      @Nullable Long swapBytes,
      @Nullable Long kernelBytes,
      @Nullable Long kernelTcpBytes,
      @Nullable Long swappiness,
      boolean disableOomKiller,
      boolean checkBeforeUpdate) {}

  /** CPU limits; times in microseconds. */
  public record Cpu(
      @Nullable Long shares,
      @Nullable Long quotaMicros,
      @Nullable Long burstMicros,
      @Nullable Long periodMicros,
      @Nullable Long realtimeRuntimeMicros,
      @Nullable Long realtimePeriodMicros,
      @Nullable String cpus,
      @Nullable String mems,
      @Nullable Long idle) {}
}
