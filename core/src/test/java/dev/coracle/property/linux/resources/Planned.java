package dev.coracle.property.linux.resources;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import dev.coracle.cgroup.CgroupLayout;
import dev.coracle.cgroup.CgroupPaths;
import dev.coracle.config.CgroupPlan;
import dev.coracle.json.Json;
import dev.coracle.json.JsonException;
import dev.coracle.json.JsonParser;
import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.plan.ActionText;
import dev.coracle.plan.PlanBuilder;
import dev.coracle.plan.Step;
import dev.coracle.problem.Problems;
import dev.coracle.spec.Hooks;
import dev.coracle.spec.Linux;
import dev.coracle.spec.Resources;
import dev.coracle.spec.Spec;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * What becomes of a text of linux.resources on one layout of cgroups: its writes, or its errors.
 */
record Planned(List<String> writes, String errors) {
  static final CgroupLayout V2 = v2("cpuset cpu io memory hugetlb pids rdma");

  static CgroupLayout v2(String controllers) {
    return CgroupLayout.unified("0::/\n".getBytes(UTF_8))
        .withControllers((controllers + "\n").getBytes(UTF_8));
  }

  /** Hierarchies at /cg, with what the unified one offers; null for none of that. */
  static CgroupLayout v1(String hierarchies, @org.jspecify.annotations.Nullable String unified) {
    StringBuilder mounts = new StringBuilder();
    StringBuilder self = new StringBuilder("0::/\n");
    for (String h : hierarchies.split(" ", -1)) {
      mounts.append("1 2 0:1 / /cg/").append(h).append(" rw - cgroup x rw,").append(h).append('\n');
      self.append("1:").append(h).append(":/\n");
    }
    if (unified != null) {
      mounts.append("1 2 0:2 / /cg/unified rw - cgroup2 x rw\n");
    }
    CgroupLayout layout =
        CgroupLayout.parse(mounts.toString().getBytes(UTF_8), self.toString().getBytes(UTF_8));
    return unified == null ? layout : layout.withControllers((unified + "\n").getBytes(UTF_8));
  }

  /** The steps but those that make and enable, without the cgroup's path; each with its origin. */
  static Planned of(CgroupLayout layout, String json) {
    Problems problems = new Problems();
    Resources resources = requireNonNull(read(json, problems));
    Linux none = Linux.NONE;
    Linux linux =
        new Linux(
            none.namespaces(),
            none.devices(),
            "/id",
            resources,
            none.sysctl(),
            null,
            null,
            List.of(),
            List.of());
    Spec spec = new Spec("1.3.0", null, null, null, null, List.of(), Hooks.NONE, Map.of(), linux);
    PlanBuilder plan = new PlanBuilder();
    CgroupPlan.plan(spec, layout, CgroupPaths.of(layout, "/id", "id"), plan, problems);
    List<String> writes = new ArrayList<>();
    for (Step s : plan.build().steps()) {
      String text = ActionText.of(s.action());
      if (s.origin().toString().startsWith("config.json /linux/resources/")) {
        String at = s.origin().toString().substring("config.json /linux/resources".length());
        writes.add(at + ": " + text.replace("/sys/fs/cgroup/id/", "").replace("/id/", "/"));
      }
    }
    return new Planned(writes, problems.errorText());
  }

  private static @org.jspecify.annotations.Nullable Resources read(String json, Problems problems) {
    // All devices, so that there are no rules of our own in the plan.
    String all = "{'devices':[{'allow':true,'access':'rwm'}]," + json.substring(1);
    String text = "{'resources':" + all + "}";
    try {
      Json.Obj linux = (Json.Obj) JsonParser.parse(text.replace('\'', '"').getBytes(UTF_8));
      return ResourcesReader.read(new Members(linux, Pointer.of("/linux"), problems));
    } catch (JsonException e) {
      throw new AssertionError(e);
    }
  }
}
