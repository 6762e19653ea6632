package dev.coracle.idmap;

import dev.coracle.plan.Action;
import dev.coracle.plan.Phase;
import dev.coracle.plan.PlanBuilder;
import dev.coracle.problem.Problems;
import dev.coracle.spec.Linux.IdMapping;
import dev.coracle.spec.Mount;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The mappings of id-mapped mounts. The kernel takes one as a user namespace that has it: one is
 * made for each distinct mapping, and the container's own stands for mounts that give none.
 */
public final class MountIdMaps {
  private static final int OWN = -1;

  private final List<Action.MakeIdMapping> made = new ArrayList<>();
  private final @Nullable UserNamespace own;

  /**
   * The container's user namespace.
   *
   * @param visible whether the runtime opens what binds show, and so may use it for them
   */
  public record UserNamespace(List<IdMapping> uids, List<IdMapping> gids, boolean visible) {}

  /**
   * The mappings of a container.
   *
   * @param own null where it has no user namespace of its own
   */
  public MountIdMaps(@Nullable UserNamespace own) {
    this.own = own;
  }

  /** Makes what the mounts need, before there is a container. */
  public void plan(List<Mount> mounts, PlanBuilder plan, Problems problems) {
    for (Mount m : mounts) {
      Mount.IdMap map = m.idMap();
      if (map == null) {
        continue;
      }
      if (own == null && map.uidMappings().isEmpty()) {
        problems.error(
            m.origin(),
            "an id-mapped mount needs uidMappings and gidMappings, or a user namespace of the"
                + " container");
      } else if (own != null && !own.visible()) {
        problems.error(m.origin(), "without root a mount cannot be id-mapped");
      } else if (!map.uidMappings().isEmpty() && find(map) < 0) {
        Action.MakeIdMapping action = action(map, made.size());
        made.add(action);
        plan.add(Phase.PARENT_BEFORE, action, m.origin());
      }
    }
  }

  /** What a step needs to know of a mount's mapping; null where it has none. */
  public Action.@Nullable IdMapped of(Mount mount) {
    Mount.IdMap map = mount.idMap();
    if (map == null) {
      return null;
    }
    int number = map.uidMappings().isEmpty() ? OWN : find(map);
    return new Action.IdMapped(number, map.recursive());
  }

  private int find(Mount.IdMap map) {
    for (int i = 0; i < made.size(); i++) {
      if (made.get(i).equals(action(map, i))) {
        return i;
      }
    }
    return -1;
  }

  private static Action.MakeIdMapping action(Mount.IdMap map, int number) {
    return new Action.MakeIdMapping(
        number, IdMappings.text(map.uidMappings()), IdMappings.text(map.gidMappings()));
  }
}
