package dev.coracle.cgroup;

import dev.coracle.cgroup.CgroupLayout.Version;
import dev.coracle.json.Pointer;
import dev.coracle.plan.Action;
import dev.coracle.plan.Errors;
import dev.coracle.problem.Origin;

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
  String directory() {
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
    if (available(at)) {
      String path = directory + "/" + file;
      steps.add(new Action.WriteCgroupFile(path, value), Origin.of(at), tolerates);
    }
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
