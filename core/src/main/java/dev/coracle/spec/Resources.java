package dev.coracle.spec;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Cgroup limits (config-linux.md, "Control groups"); null and absent parts are not touched. */
public record Resources(
    List<DeviceRule> devices,
    @Nullable Memory memory,
    @Nullable Cpu cpu,
    @Nullable Long pidsLimit,
    @Nullable BlockIo blockIo,
    List<HugepageLimit> hugepageLimits,
    @Nullable Network network,
    List<Rdma> rdma,
    Map<String, String> unified) {
  /** Limits without what few bundles ask for. */
  public Resources(
      List<DeviceRule> devices,
      @Nullable Memory memory,
      @Nullable Cpu cpu,
      @Nullable Long pidsLimit) {
    this(devices, memory, cpu, pidsLimit, null, List.of(), null, List.of(), Map.of());
  }

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

  /** Weights and limits of block devices; rates in bytes or operations per second. */
  public record BlockIo(
      @Nullable Integer weight,
      @Nullable Integer leafWeight,
      List<WeightDevice> weightDevice,
      List<ThrottleDevice> throttleReadBpsDevice,
      List<ThrottleDevice> throttleWriteBpsDevice,
      List<ThrottleDevice> throttleReadIopsDevice,
      List<ThrottleDevice> throttleWriteIopsDevice) {}

  /** The weights of one block device. */
  public record WeightDevice(
      long major, long minor, @Nullable Integer weight, @Nullable Integer leafWeight) {}

  /** The rate of one block device. */
  public record ThrottleDevice(long major, long minor, long rate) {}

  /**
   * How many huge pages of one size there may be.
   *
   * @param pageSize such as {@code 2MB}
   * @param limitBytes unsigned bits
   */
  public record HugepageLimit(String pageSize, long limitBytes) {}

  /** The class and priorities of network traffic (cgroup v1 only). */
  public record Network(@Nullable Long classId, List<InterfacePriority> priorities) {}

  /** The priority of traffic by one interface. */
  public record InterfacePriority(String name, long priority) {}

  /** Limits of one RDMA device. */
  public record Rdma(String device, @Nullable Long hcaHandles, @Nullable Long hcaObjects) {}
}
