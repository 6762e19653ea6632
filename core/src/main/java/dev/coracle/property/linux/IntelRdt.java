package dev.coracle.property.linux;

import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.plan.Action;
import dev.coracle.plan.Phase;
import dev.coracle.plan.PlanBuilder;
import dev.coracle.spec.Linux;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Cache and memory bandwidth (config-linux.md, "IntelRdt"; Documentation/filesystems/resctrl). */
public final class IntelRdt {
  public static final Pointer POINTER = Pointer.of("/linux/intelRdt");

  private IntelRdt() {}

  /** Reads it; a section without anything asks for nothing. */
  public static Linux.@Nullable IntelRdt read(Members linux) {
    Members in = linux.object("intelRdt");
    if (in == null || in.keys().isEmpty()) {
      return null;
    }
    String closId = in.string("closID");
    if (closId != null && !closId.isEmpty() && !closId.equals("/") && !isName(closId)) {
      in.error("closID", "must be one name or \"/\", not \"" + closId + "\"");
    }
    String l3 = text(in, "l3CacheSchema");
    String mb = text(in, "memBwSchema");
    if (mb != null && (!mb.startsWith("MB:") || mb.indexOf('\n') >= 0)) {
      in.error("memBwSchema", "must be one line that starts with MB:, not \"" + mb + "\"");
    }
    List<String> schemata = in.strings("schemata");
    for (int i = 0; i < schemata.size(); i++) {
      if (schemata.get(i).isEmpty() || schemata.get(i).indexOf('\n') >= 0) {
        in.error("schemata", i, "must be one line");
      }
    }
    boolean monitoring = in.bool("enableMonitoring", false);
    return new Linux.IntelRdt(
        closId == null || closId.isEmpty() ? null : closId, schemata, l3, mb, monitoring);
  }

  private static @Nullable String text(Members in, String key) {
    String text = in.string(key);
    return text == null || text.isEmpty() ? null : text;
  }

  private static boolean isName(String name) {
    return name.indexOf('/') < 0
        && name.indexOf('\n') < 0
        && !name.equals(".")
        && !name.equals("..")
        && !name.equals("info")
        && !name.equals("mon_groups")
        && !name.equals("mon_data");
  }

  /**
   * Makes the groups and sets them up, before there is a process.
   *
   * @param id the container's, which is the name of what has none
   */
  public static void planMake(Linux.@Nullable IntelRdt rdt, String id, PlanBuilder plan) {
    if (rdt == null) {
      return;
    }
    String schemata = schemata(rdt.l3CacheSchema(), rdt.memBwSchema(), rdt.schemata());
    // One that is named and not set up must be there: somebody else has set it up.
    boolean expected = rdt.closId() != null && schemata.isEmpty();
    plan.add(
        Phase.PARENT_BEFORE,
        new Action.MakeResctrlGroup(group(rdt, id), expected),
        rdt.closId() == null ? POINTER : POINTER.child("closID"));
    if (!schemata.isEmpty()) {
      planSchemata(group(rdt, id), schemata, plan);
    }
    if (rdt.enableMonitoring()) {
      plan.add(
          Phase.PARENT_BEFORE,
          new Action.MakeResctrlGroup(monitor(rdt, id), false),
          POINTER.child("enableMonitoring"));
    }
  }

  /** Sets a group up. */
  public static void planSchemata(String group, String schemata, PlanBuilder plan) {
    plan.add(Phase.PARENT_BEFORE, new Action.WriteSchemata(group, schemata), POINTER);
  }

  /** Puts a process into its groups; those that it makes later start there too. */
  public static void planJoin(Linux.@Nullable IntelRdt rdt, String id, PlanBuilder plan) {
    if (rdt == null) {
      return;
    }
    plan.add(Phase.CHILD_SETUP, new Action.JoinResctrlGroup(group(rdt, id)), POINTER);
    if (rdt.enableMonitoring()) {
      plan.add(
          Phase.CHILD_SETUP,
          new Action.JoinResctrlGroup(monitor(rdt, id)),
          POINTER.child("enableMonitoring"));
    }
  }

  /** The group's directory below the mount point; empty for the default one. */
  public static String group(Linux.IntelRdt rdt, String id) {
    String closId = rdt.closId();
    return closId == null ? "/" + id : closId.equals("/") ? "" : "/" + closId;
  }

  private static String monitor(Linux.IntelRdt rdt, String id) {
    return group(rdt, id) + "/mon_groups/" + id;
  }

  /** The lines in the order of the spec; of the cache's those of the bandwidth give way. */
  public static String schemata(@Nullable String l3, @Nullable String mb, List<String> more) {
    List<String> lines = new ArrayList<>();
    int from = 0;
    while (l3 != null && from < l3.length()) {
      int to = l3.indexOf('\n', from);
      to = to < 0 ? l3.length() : to;
      String line = l3.substring(from, to);
      if (!line.isEmpty() && (mb == null || !line.startsWith("MB:"))) {
        lines.add(line);
      }
      from = to + 1;
    }
    if (mb != null) {
      lines.add(mb);
    }
    lines.addAll(more);
    StringBuilder out = new StringBuilder();
    for (String line : lines) {
      out.append(line).append('\n');
    }
    return out.toString();
  }
}
