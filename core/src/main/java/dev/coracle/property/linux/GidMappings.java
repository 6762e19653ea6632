package dev.coracle.property.linux;

import dev.coracle.idmap.IdMappings;
import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.plan.Action;
import dev.coracle.plan.Phase;
import dev.coracle.plan.PlanBuilder;
import dev.coracle.problem.Origin;
import dev.coracle.problem.Problems;
import dev.coracle.spec.Linux.IdMapping;
import dev.coracle.spec.Linux.MapWriter;
import java.util.List;

/** Which group ids a new user namespace has (config-linux.md, "User namespace mappings"). */
public final class GidMappings {
  public static final Pointer POINTER = Pointer.of("/linux/gidMappings");

  private GidMappings() {}

  /** Reads them. */
  public static List<IdMapping> read(Members linux) {
    return IdMappings.read(linux, "gidMappings");
  }

  /** Tells what a new user namespace cannot do without. */
  public static void check(List<IdMapping> mappings, Problems problems) {
    IdMappings.check(mappings, POINTER, problems);
  }

  /** Tells that there is no user namespace for them. */
  public static void refuse(List<IdMapping> mappings, Problems problems) {
    IdMappings.refuse(mappings, POINTER, problems);
  }

  /** Tells that an id is not mapped. */
  public static void requireMapped(
      List<IdMapping> mappings, long id, Pointer at, Problems problems) {
    IdMappings.requireMapped(mappings, POINTER, id, at, problems);
  }

  /** Tells that the id in a mount's option, such as {@code gid=5}, is not mapped. */
  public static void requireMapped(
      List<IdMapping> mappings, String option, Origin at, Problems problems) {
    IdMappings.requireMapped(mappings, POINTER, option, at, problems);
  }

  /** Whether a user may write this map alone: nothing but the own id. */
  public static boolean isOwnAlone(List<IdMapping> mappings, long own) {
    return IdMappings.isOwnAlone(mappings, own);
  }

  /** The lines of the map. */
  public static String lines(List<IdMapping> mappings) {
    return IdMappings.text(mappings);
  }

  /** Writes the map of the new user namespace, from outside. */
  public static void plan(List<IdMapping> mappings, MapWriter writer, PlanBuilder plan) {
    plan.add(
        Phase.PARENT_AFTER_CLONE,
        new Action.WriteGidMap(IdMappings.text(mappings), writer),
        POINTER);
  }
}
