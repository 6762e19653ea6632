package dev.coracle.bus;

import dev.coracle.dbus.Value;
import dev.coracle.kernel.DescribingKernel;
import dev.coracle.kernel.Errno;
import dev.coracle.property.process.Env;
import dev.coracle.systemd.Manager;
import dev.coracle.systemd.Scope;
import dev.coracle.systemd.UnitProperty;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * systemd, the host's or a user's own (org.freedesktop.systemd1(5)). A method that can fail returns
 * an error as text, or null.
 *
 * <p>We speak to systemd itself by its private socket, as systemctl(1) does: nobody stands between
 * who must pass each message on, no name has to be asked for, every connection gets the end of
 * every job without having subscribed to it, and a host without dbus-daemon is served too. The bus
 * is the second choice, where only that can be reached.
 */
public final class Systemd {
  private static final String PATH = "/org/freedesktop/systemd1";
  private static final String NAME = "org.freedesktop.systemd1";
  private static final String MANAGER = NAME + ".Manager";
  private static final String PRIVATE = "/systemd/private";
  private static final String SYSTEM_BUS = "/run/dbus/system_bus_socket";
  private static final int CALL_MILLIS = 25_000; // as libdbus and sd-bus have it
  private static final int JOB_MILLIS = 30_000; // as runc waits
  private static final int OLDEST = 244; // AllowedCPUs

  private final Bus bus;
  private final boolean user;
  private Manager manager;
  private boolean started;

  private Systemd(Bus bus, boolean user) {
    this.bus = bus;
    this.user = user;
    this.manager = new Manager(user, 0, "");
  }

  /** Whose systemd is meant. */
  public enum Owner {
    /** The user's own where we are not root, or root in a user namespace only. */
    OURS,
    SYSTEM,
    USER
  }

  /** A systemd, or why there is none. */
  public record Connected(@Nullable Systemd systemd, String problem) {}

  /**
   * Connects.
   *
   * @param variables our environment
   */
  public static Connected connect(DescribingKernel k, List<String> variables, Owner owner) {
    String address = Env.value(variables, "DBUS_SYSTEM_BUS_ADDRESS");
    boolean user = owner == Owner.USER || owner == Owner.OURS && k.geteuid() != 0;
    String problems = "";
    if (!user && address.isEmpty()) {
      Bus.Connected direct = Bus.connect(k, "/run" + PRIVATE, "", CALL_MILLIS);
      Bus bus = direct.bus();
      if (bus != null) {
        return greeted(bus, false, true);
      }
      problems = direct.problem();
      // The host's root may, the root of a user namespace may not.
      user = owner == Owner.OURS && direct.errno() == -Errno.EACCES;
    }
    List<String> paths = user ? userPaths(variables) : systemPaths(address);
    for (String path : paths) {
      boolean direct = path.endsWith(PRIVATE);
      Bus.Connected connected = Bus.connect(k, path, direct ? "" : NAME, CALL_MILLIS);
      Bus bus = connected.bus();
      if (bus != null) {
        return greeted(bus, user, direct);
      }
      problems += (problems.isEmpty() ? "" : "; ") + connected.problem();
    }
    String hint = problems.isEmpty() ? "neither XDG_RUNTIME_DIR nor a bus's address is set" : "";
    return new Connected(
        null, "cannot connect to " + (user ? "the user's " : "") + "systemd: " + problems + hint);
  }

  private static List<String> systemPaths(String address) {
    List<String> out = new ArrayList<>();
    addPaths(out, address.isEmpty() ? "unix:path=" + SYSTEM_BUS : address);
    return out;
  }

  private static List<String> userPaths(List<String> variables) {
    List<String> out = new ArrayList<>();
    String runtime = Env.value(variables, "XDG_RUNTIME_DIR");
    if (!runtime.isEmpty()) {
      out.add(runtime + PRIVATE);
    }
    addPaths(out, Env.value(variables, "DBUS_SESSION_BUS_ADDRESS"));
    if (!runtime.isEmpty() && !out.contains(runtime + "/bus")) {
      out.add(runtime + "/bus");
    }
    return out;
  }

  /** The paths of {@code unix:path=...} in a list of addresses; others are of no use to us. */
  private static void addPaths(List<String> out, String addresses) {
    int from = 0;
    while (from < addresses.length()) {
      int end = addresses.indexOf(';', from);
      end = end < 0 ? addresses.length() : end;
      String address = addresses.substring(from, end);
      int path = address.indexOf("path=");
      if (address.startsWith("unix:") && path > 0 && ":,".indexOf(address.charAt(path - 1)) >= 0) {
        int comma = address.indexOf(',', path);
        out.add(unescaped(address.substring(path + 5, comma < 0 ? address.length() : comma)));
      }
      from = end + 1;
    }
  }

  private static String unescaped(String text) {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      int high = c == '%' && i + 2 < text.length() ? Character.digit(text.charAt(i + 1), 16) : -1;
      int low = high < 0 ? -1 : Character.digit(text.charAt(i + 2), 16);
      out.append(low < 0 ? c : (char) (high * 16 + low));
      i += low < 0 ? 0 : 2;
    }
    return out.toString();
  }

  private static Connected greeted(Bus bus, boolean user, boolean direct) {
    Systemd systemd = new Systemd(bus, user);
    String problem = direct ? null : systemd.introduce();
    if (problem == null) {
      return new Connected(systemd, "");
    }
    bus.close();
    return new Connected(null, "systemd: " + problem);
  }

  private @Nullable String introduce() {
    String match =
        "type='signal',sender='" + NAME + "',interface='" + MANAGER + "',member='JobRemoved'";
    boolean good =
        bus.callBus("Hello", CALL_MILLIS)
            && bus.callBus("AddMatch", CALL_MILLIS, Value.of(match))
            && bus.call(PATH, MANAGER, "Subscribe", CALL_MILLIS);
    return good ? null : bus.problem();
  }

  /** Asks for what {@link #manager} is then. */
  public @Nullable String ask() {
    String version = property("Version");
    String controlGroup = version == null ? null : property("ControlGroup");
    if (version == null || controlGroup == null) {
      return bus.problem().isEmpty() ? "a broken answer came" : bus.problem();
    }
    // Of the host's it is a slash, of a user's a path.
    String below = controlGroup.equals("/") ? "" : controlGroup;
    manager = new Manager(user, Manager.version(version), below);
    return manager.version() >= OLDEST
        ? null
        : "version \"" + version + "\" is too old: " + OLDEST + " or newer is needed";
  }

  private @Nullable String property(String name) {
    boolean good =
        bus.call(
            PATH,
            "org.freedesktop.DBus.Properties",
            "Get",
            CALL_MILLIS,
            Value.of(MANAGER),
            Value.of(name));
    if (!good) {
      return null;
    }
    bus.answer().enterVariant('s');
    String value = bus.answer().nextText();
    return bus.answer().isBroken() ? null : value;
  }

  /** What is known of it. */
  public Manager manager() {
    return manager;
  }

  /** Makes a scope with a process in it, and returns when the process stands in its cgroup. */
  public @Nullable String start(Scope scope, List<UnitProperty> properties, int pid) {
    String unit = scope.unit();
    List<UnitProperty> all = new ArrayList<>(properties);
    all.add(new UnitProperty("PIDs", new Value.Array("u", List.of(Value.u32(pid)))));
    Value none = new Value.Array("(sa(sv))", List.of());
    String method = "StartTransientUnit";
    Value[] arguments = {Value.of(unit), Value.of("replace"), array(all), none};
    boolean good = manager(method, arguments);
    if (!good && bus.errorName().equals(NAME + ".UnitExists")) {
      // What is left of one that failed is in nobody's way any more; one that runs stays.
      if (manager("ResetFailedUnit", Value.of(unit))) {
        good = manager(method, arguments);
      }
    }
    started = good;
    return good ? await(method, unit) : failed(method, unit);
  }

  /** Whether the last {@link #start} left a unit behind, if only one that failed. */
  public boolean hasStarted() {
    return started;
  }

  private boolean manager(String method, Value... arguments) {
    return bus.call(PATH, MANAGER, method, CALL_MILLIS, arguments);
  }

  private @Nullable String await(String method, String unit) {
    String job = bus.answer().nextText();
    String result = bus.awaitJob(job, unit, JOB_MILLIS);
    return result.equals("done")
        ? null
        : method + "(\"" + unit + "\"): " + (result.isEmpty() ? bus.problem() : "job " + result);
  }

  private String failed(String method, String unit) {
    return method + "(\"" + unit + "\"): " + bus.problem();
  }

  private static Value array(List<UnitProperty> properties) {
    List<Value> items = new ArrayList<>(properties.size());
    for (UnitProperty p : properties) {
      items.add(p.argument());
    }
    return new Value.Array("(sv)", items);
  }

  /** Gives a unit other properties until it ends. */
  public @Nullable String set(String unit, List<UnitProperty> properties) {
    String method = "SetUnitProperties";
    return manager(method, Value.of(unit), Value.of(true), array(properties))
        ? null
        : failed(method, unit);
  }

  /** Connects, and does as {@link #stop(String)}. */
  public static @Nullable String stop(
      DescribingKernel k, List<String> variables, boolean user, String unit) {
    Connected connected = connect(k, variables, user ? Owner.USER : Owner.SYSTEM);
    Systemd systemd = connected.systemd();
    if (systemd == null) {
      return connected.problem();
    }
    String problem = systemd.stop(unit);
    systemd.close();
    return problem;
  }

  /** Ends a unit, which has no processes any more, and forgets it; one that is gone is fine. */
  public @Nullable String stop(String unit) {
    String method = "StopUnit";
    boolean good = manager(method, Value.of(unit), Value.of("replace"));
    if (!good && isGone()) {
      return null;
    }
    String problem = good ? await(method, unit) : failed(method, unit);
    if (!manager("ResetFailedUnit", Value.of(unit)) && !isGone() && problem == null) {
      problem = failed("ResetFailedUnit", unit);
    }
    return problem;
  }

  private boolean isGone() {
    return bus.errorName().equals(NAME + ".NoSuchUnit");
  }

  /** Ends the connection. */
  public void close() {
    bus.close();
  }
}
