package dev.coracle.config;

import dev.coracle.dbus.Value;
import dev.coracle.plan.Action;
import dev.coracle.plan.Step;
import dev.coracle.systemd.Manager;
import dev.coracle.systemd.Scope;
import dev.coracle.systemd.UnitProperty;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The properties of a container's scope (systemd.resource-control(5)).
 *
 * <p>Limits are read from what will be written into the cgroup's files, so that there is one place
 * that knows what a limit of the bundle comes to. The files are written all the same: they are
 * exact where systemd rounds, and systemd has no property for many of them. Were systemd not told,
 * it would put its own defaults back whenever it is reloaded.
 */
public final class ScopeProperties {
  private static final long INFINITY = -1; // CGROUP_LIMIT_MAX, USEC_INFINITY: all ones
  private static final long MICROS = 1_000_000;
  private static final long PERCENT_MICROS = 10_000;
  private static final long PERIOD_DEFAULT_MICROS = 100_000;
  private static final int IDLE_VERSION = 252;

  /** Cgroup file and property, of those whose values are one number. */
  private static final String NUMBERS =
      "memory.max MemoryMax;memory.high MemoryHigh;memory.low MemoryLow;memory.min MemoryMin;"
          + "memory.swap.max MemorySwapMax;pids.max TasksMax;cpu.weight CPUWeight;"
          + "io.weight IOWeight;cpu.shares CPUShares;memory.limit_in_bytes MemoryLimit;"
          + "blkio.weight BlockIOWeight;";

  private final List<UnitProperty> out = new ArrayList<>();
  private final int version;
  private @Nullable Long quota;
  private @Nullable Long period;

  private ScopeProperties(int version) {
    this.version = version;
  }

  /**
   * The properties that a scope is started with, but for its processes.
   *
   * @param v2 whether the host has only cgroup v2
   * @param devices see {@link dev.coracle.cgroup.DeviceUnits#allowed}
   */
  static List<UnitProperty> start(
      Scope scope,
      String id,
      boolean v2,
      List<Step> limits,
      @Nullable List<String> devices,
      Manager manager) {
    ScopeProperties p = new ScopeProperties(manager.version());
    p.add("Description", Value.of("Coracle container " + id));
    p.add("Slice", Value.of(scope.slice()));
    p.add("Delegate", Value.of(true));
    // A container must not end before what it needs at shutdown does: its engine ends it.
    p.add("DefaultDependencies", Value.of(false));
    for (String kind : new String[] {"CPU", v2 ? "IO" : "BlockIO", "Memory", "Tasks"}) {
      p.add(kind + "Accounting", Value.of(true));
    }
    p.devices(devices);
    p.limits(limits);
    return p.out;
  }

  /** The properties that other limits come to. */
  public static List<UnitProperty> update(List<Step> limits, Manager manager) {
    ScopeProperties p = new ScopeProperties(manager.version());
    p.limits(limits);
    return p.out;
  }

  private void add(String name, Value value) {
    out.add(new UnitProperty(name, value));
  }

  private void devices(@Nullable List<String> allowed) {
    List<Value> entries = new ArrayList<>();
    for (int i = 0; allowed != null && i < allowed.size(); i += 2) {
      entries.add(Value.struct(Value.of(allowed.get(i)), Value.of(allowed.get(i + 1))));
    }
    add("DevicePolicy", Value.of(allowed == null ? "auto" : "strict"));
    add("DeviceAllow", new Value.Array("(ss)", entries));
  }

  private void limits(List<Step> steps) {
    for (Step step : steps) {
      if (step.action() instanceof Action.WriteCgroupFile w) {
        limit(w);
      } else if (step.action() instanceof Action.WriteCgroupValues v) {
        for (Action.WriteCgroupFile w : v.values()) {
          limit(w);
        }
      } else if (step.action() instanceof Action.WriteEitherCgroupFile e) {
        limit(e.first());
        limit(e.otherwise());
      } else if (step.action() instanceof Action.SetCpuPeriod p) {
        period = p.periodMicros();
      }
    }
    cpuTime();
  }

  private void limit(Action.WriteCgroupFile w) {
    limit(w.path().substring(w.path().lastIndexOf('/') + 1), w.value());
  }

  private void limit(String file, String value) {
    String property = property(file);
    if (property != null) {
      String text = value.startsWith("default ") ? value.substring(8) : value;
      Long number = number(text);
      if (number != null) {
        add(property, Value.u64(number));
      }
      return;
    }
    switch (file) {
      case "cpuset.cpus" -> set("AllowedCPUs", value);
      case "cpuset.mems" -> set("AllowedMemoryNodes", value);
      case "cpu.cfs_quota_us" -> quota = number(value);
      case "cpu.cfs_period_us" -> period = number(value);
      case "cpu.max" -> {
        int space = value.indexOf(' ');
        quota = number(space < 0 ? value : value.substring(0, space));
        period = space < 0 ? period : number(value.substring(space + 1));
      }
      case "cpu.idle" -> {
        // Weight 0 stands for idle.
        if (value.equals("1") && version >= IDLE_VERSION) {
          add("CPUWeight", Value.u64(0));
        }
      }
      default -> {
        // systemd has no property for it.
      }
    }
  }

  private static @Nullable String property(String file) {
    int at = NUMBERS.indexOf(file + " ");
    if (at < 0 || at > 0 && NUMBERS.charAt(at - 1) != ';') {
      return null;
    }
    return NUMBERS.substring(at + file.length() + 1, NUMBERS.indexOf(';', at));
  }

  /** A limit; null where it is none that systemd takes, which the kernel may take all the same. */
  private static @Nullable Long number(String text) {
    if (text.equals("max") || text.startsWith("-")) {
      return INFINITY;
    }
    long value = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c < '0' || c > '9' || value > Long.MAX_VALUE / 10 - 1) {
        return null;
      }
      value = value * 10 + c - '0';
    }
    return text.isEmpty() ? null : value;
  }

  /** systemd keeps whole percents: rounded up, so that no cgroup below gets less than it asks. */
  private void cpuTime() {
    Long q = quota;
    Long p = period;
    if (p != null) {
      add("CPUQuotaPeriodUSec", Value.u64(p));
    }
    if (q != null) {
      long every = p == null || p <= 0 ? PERIOD_DEFAULT_MICROS : p;
      boolean limited = q >= 0 && q < Long.MAX_VALUE / MICROS;
      long perSecond = limited ? q * MICROS / every : INFINITY;
      long rest = limited ? perSecond % PERCENT_MICROS : 0;
      add(
          "CPUQuotaPerSecUSec",
          Value.u64(rest == 0 ? perSecond : perSecond - rest + PERCENT_MICROS));
    }
  }

  /** A list such as {@code 0-3,7} as bits: bit n of byte n / 8. */
  private void set(String property, String list) {
    byte[] bits = new byte[1024];
    int most = 0;
    int from = 0;
    while (from < list.length()) {
      int to = list.indexOf(',', from);
      to = to < 0 ? list.length() : to;
      String range = list.substring(from, to);
      int dash = range.indexOf('-');
      Long first = number(dash < 0 ? range : range.substring(0, dash));
      Long last = number(range.substring(dash + 1));
      if (first == null || last == null || first < 0 || last < first || last >= 8L * bits.length) {
        return; // the kernel will say what is wrong with it
      }
      for (int i = first.intValue(); i <= last; i++) {
        bits[i / 8] |= (byte) (1 << i % 8);
        most = Math.max(most, i / 8 + 1);
      }
      from = to + 1;
    }
    List<Value> bytes = new ArrayList<>();
    for (int i = 0; i < most; i++) {
      bytes.add(new Value.Number('y', bits[i] & 0xff));
    }
    add(property, new Value.Array("y", bytes));
  }
}
