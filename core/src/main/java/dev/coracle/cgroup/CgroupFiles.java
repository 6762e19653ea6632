package dev.coracle.cgroup;

import dev.coracle.cgroup.CgroupLayout.Version;
import dev.coracle.json.Pointer;
import dev.coracle.plan.Action;
import dev.coracle.plan.Errors;
import dev.coracle.problem.Origin;
import java.util.List;

/** The files of one controller in a container's cgroup. */
public final class CgroupFiles {
  private final CgroupSteps steps;
  private final String controller;
  private final Version version;
  private final String directory;

  CgroupFiles(CgroupSteps steps, String controller, Version version, String directory) {
    this.steps = steps;
    this.controller = controller;
    this.version = version;
    this.directory = directory;
  }

  /** V1 or V2, which have other files and values; NONE where nothing can be written. */
  public Version version() {
    return version;
  }

  /** The cgroup that has them; empty where there is none. */
  public String directory() {
    return directory;
  }

  /** Whether the files are those of cgroup v2. */
  public boolean isV2() {
    return version == Version.V2;
  }

  /** Writes a value; every error stops the plan. */
  public void write(String file, String value, Pointer at) {
    write(file, value, at, Errors.NONE);
  }

  /** Writes a value; where there is no such controller, that is a problem of the property. */
  public void write(String file, String value, Pointer at, Errors tolerates) {
    add(new Action.WriteCgroupFile(path(file), value), at, tolerates);
  }

  /** Adds a step that writes by rules of its own. */
  public void add(Action action, Pointer at, Errors tolerates) {
    if (available(at)) {
      steps.add(action, Origin.of(at), tolerates);
    }
  }

  /**
   * Writes a value that a new cgroup starts with: nothing to do where it is new, or where there is
   * nothing that could have been limited.
   */
  public void writeDefault(String file, String value, Pointer at, Errors tolerates) {
    if (steps.use() == CgroupSteps.Use.UPDATE && version != Version.NONE) {
      write(file, value, at, tolerates);
    }
  }

  /** Writes several values, each by a write(2) of its own. */
  public void writeLines(String file, List<String> lines, Pointer at) {
    if (!lines.isEmpty()) {
      add(new Action.WriteCgroupLines(path(file), lines), at, Errors.NONE);
    }
  }

  /** Writes values that bound each other, in an order that the kernel takes. */
  public void writeBound(List<Action.WriteCgroupFile> values, Pointer at) {
    if (values.size() > 1) {
      add(new Action.WriteCgroupValues(values), at, Errors.NONE);
    } else if (!values.isEmpty()) {
      add(values.get(0), at, Errors.NONE);
    }
  }

  /** One value for {@link #writeBound}. */
  public Action.WriteCgroupFile value(String file, String value) {
    return new Action.WriteCgroupFile(path(file), value);
  }

  private String path(String file) {
    return directory + "/" + file;
  }

  /** Tells that v2 has nothing like a property. */
  public void unsupportedOnV2(Pointer at) {
    steps.problems().error(at, "cannot be set on cgroup v2, which has nothing like it");
  }

  private boolean available(Pointer at) {
    if (version == Version.NONE) {
      steps.problems().error(at, "no " + controller + " controller is mounted");
      return false;
    }
    if (version == Version.V2) {
      steps.need(controller, at);
    }
    return true;
  }
}
