package dev.coracle.config;

import dev.coracle.json.Json;
import dev.coracle.json.JsonException;
import dev.coracle.json.JsonParser;
import dev.coracle.json.Known;
import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.problem.Problems;
import dev.coracle.property.Annotations;
import dev.coracle.property.Domainname;
import dev.coracle.property.Hooks;
import dev.coracle.property.Hostname;
import dev.coracle.property.Mounts;
import dev.coracle.property.OciVersion;
import dev.coracle.property.Root;
import dev.coracle.property.Vm;
import dev.coracle.property.linux.CgroupsPath;
import dev.coracle.property.linux.Devices;
import dev.coracle.property.linux.GidMappings;
import dev.coracle.property.linux.IntelRdt;
import dev.coracle.property.linux.MaskedPaths;
import dev.coracle.property.linux.MemoryPolicy;
import dev.coracle.property.linux.MountLabel;
import dev.coracle.property.linux.Namespaces;
import dev.coracle.property.linux.NetDevices;
import dev.coracle.property.linux.Personality;
import dev.coracle.property.linux.ReadonlyPaths;
import dev.coracle.property.linux.RootfsPropagation;
import dev.coracle.property.linux.SeccompFilter;
import dev.coracle.property.linux.Sysctl;
import dev.coracle.property.linux.TimeOffsets;
import dev.coracle.property.linux.UidMappings;
import dev.coracle.property.linux.resources.ResourcesReader;
import dev.coracle.property.process.ApparmorProfile;
import dev.coracle.property.process.Args;
import dev.coracle.property.process.Capabilities;
import dev.coracle.property.process.ConsoleSize;
import dev.coracle.property.process.Cwd;
import dev.coracle.property.process.Env;
import dev.coracle.property.process.ExecCPUAffinity;
import dev.coracle.property.process.IoPriority;
import dev.coracle.property.process.NoNewPrivileges;
import dev.coracle.property.process.OomScoreAdj;
import dev.coracle.property.process.Rlimits;
import dev.coracle.property.process.Scheduler;
import dev.coracle.property.process.SelinuxLabel;
import dev.coracle.property.process.Terminal;
import dev.coracle.property.process.User;
import dev.coracle.spec.CompiledSeccomp;
import dev.coracle.spec.Linux;
import dev.coracle.spec.Process;
import dev.coracle.spec.Spec;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads config.json: every property by its own class, all problems at once. */
public final class ConfigReader {
  private ConfigReader() {}

  /**
   * The Spec that the bytes hold, or null where they are not a JSON object.
   *
   * @param grantableCapabilities what the runtime itself may give, as a bit mask
   */
  public static @Nullable Spec read(
      byte[] json, int from, int end, long grantableCapabilities, Problems problems) {
    return read(json, from, end, grantableCapabilities, null, problems);
  }

  /**
   * The same, where the meaning of /linux/seccomp is known.
   *
   * @param known null where it must be read
   */
  public static @Nullable Spec read(
      byte[] json,
      int from,
      int end,
      long grantableCapabilities,
      @Nullable KnownFilter known,
      Problems problems) {
    return read(json, from, end, grantableCapabilities, known, Wanted.ALL, problems);
  }

  /** How much of a config.json is read. */
  public enum Wanted {
    ALL(""),
    /** What {@code exec} needs: what has done its work when the container was created is empty. */
    FOR_EXEC(
        " mounts hooks annotations hostname domainname resources devices sysctl maskedPaths"
            + " readonlyPaths timeOffsets netDevices rootfsPropagation mountLabel "),
    /** The same without /process, where exec has another one. */
    FOR_EXEC_OF_ANOTHER(FOR_EXEC.unwanted + "process ");

    /** The keys whose values are passed over. */
    final String unwanted;

    Wanted(String unwanted) {
      this.unwanted = unwanted;
    }
  }

  /** The same of a container that was created. */
  public static @Nullable Spec read(
      byte[] json,
      int from,
      int end,
      long grantableCapabilities,
      @Nullable KnownFilter known,
      Wanted wanted,
      Problems problems) {
    Known part =
        known == null
            ? null
            : new Known(known.from(), known.to(), new Json.Obj(List.of(), List.of()));
    Members config = object(json, from, end, part, wanted.unwanted, problems);
    if (config == null) {
      return null;
    }
    if (part != null && !stands(part, config.raw("linux"))) {
      // What was found is another part of the text: nothing is known.
      return read(json, from, end, grantableCapabilities, null, wanted, problems);
    }
    CompiledSeccomp filter = known == null ? null : known.filter();
    long grantable = grantable(config, grantableCapabilities);
    Members of = wanted == Wanted.FOR_EXEC_OF_ANOTHER ? null : config.object("process");
    Process process = process(of, grantable, problems);
    if (wanted != Wanted.ALL) {
      return new Spec(
          OciVersion.NEWEST,
          process,
          Root.read(config),
          null,
          null,
          List.of(),
          dev.coracle.spec.Hooks.NONE,
          Map.of(),
          ofRunning(config.object("linux"), filter));
    }
    return new Spec(
        OciVersion.read(config),
        process,
        Root.read(config),
        Hostname.read(config),
        Domainname.read(config),
        Mounts.read(config),
        Hooks.read(config),
        Annotations.read(config),
        linux(config.object("linux"), filter),
        null,
        Vm.read(config));
  }

  /** Whether the value of /linux/seccomp is the one that stands for what is known. */
  @SuppressWarnings("ReferenceEquality") // the very object: an equal one could come from the text
  private static boolean stands(Known part, @Nullable Json linux) {
    return linux instanceof Json.Obj o && o.get("seccomp") == part.value();
  }

  /** In a user namespace a process has every capability, over what belongs to it. */
  private static long grantable(Members config, long own) {
    if (config.raw("linux") instanceof Json.Obj linux
        && linux.get("namespaces") instanceof Json.Arr namespaces) {
      for (Json entry : namespaces.items()) {
        if (entry instanceof Json.Obj o
            && o.get("type") instanceof Json.Str type
            && type.value().equals("user")) {
          return Capabilities.ALL;
        }
      }
    }
    return own;
  }

  /** The process that a file for {@code exec --process} holds, or null where it is no object. */
  public static @Nullable Process readProcess(
      byte[] json, int from, int end, long grantableCapabilities, Problems problems) {
    Members process = object(json, from, end, null, "", problems);
    return process == null ? null : process(process, grantableCapabilities, problems);
  }

  private static @Nullable Members object(
      byte[] json, int from, int end, @Nullable Known known, String unwanted, Problems problems) {
    Json value;
    try {
      value = JsonParser.parse(json, from, end, known, unwanted);
    } catch (JsonException e) {
      problems.error(
          Pointer.ROOT,
          "not valid JSON at line " + e.line() + ", column " + e.column() + ": " + e.getMessage());
      return null;
    }
    if (value instanceof Json.Obj o) {
      return new Members(o, Pointer.ROOT, problems);
    }
    problems.error(Pointer.ROOT, "must be an object, not " + value.kind());
    return null;
  }

  private static @Nullable Process process(
      @Nullable Members process, long grantable, Problems problems) {
    if (process == null) {
      return null;
    }
    return new Process(
        Terminal.read(process),
        ConsoleSize.read(process),
        Cwd.read(process),
        Env.read(process),
        Args.read(process),
        User.read(process),
        Rlimits.read(process),
        Capabilities.read(process, grantable, problems),
        NoNewPrivileges.read(process),
        OomScoreAdj.read(process),
        ApparmorProfile.read(process),
        SelinuxLabel.read(process),
        Scheduler.read(process),
        IoPriority.read(process),
        ExecCPUAffinity.read(process));
  }

  private static Linux ofRunning(@Nullable Members linux, @Nullable CompiledSeccomp known) {
    if (linux == null) {
      return Linux.NONE;
    }
    return new Linux(
        Namespaces.read(linux),
        List.of(),
        CgroupsPath.read(linux),
        null,
        Map.of(),
        known == null ? SeccompFilter.read(linux) : known,
        null,
        List.of(),
        List.of(),
        UidMappings.read(linux),
        GidMappings.read(linux),
        List.of(),
        List.of(),
        IntelRdt.read(linux),
        MemoryPolicy.read(linux),
        Personality.read(linux),
        null);
  }

  private static Linux linux(@Nullable Members linux, @Nullable CompiledSeccomp known) {
    if (linux == null) {
      return Linux.NONE;
    }
    return new Linux(
        Namespaces.read(linux),
        Devices.read(linux),
        CgroupsPath.read(linux),
        ResourcesReader.read(linux),
        Sysctl.read(linux),
        known == null ? SeccompFilter.read(linux) : known,
        RootfsPropagation.read(linux),
        MaskedPaths.read(linux),
        ReadonlyPaths.read(linux),
        UidMappings.read(linux),
        GidMappings.read(linux),
        TimeOffsets.read(linux),
        NetDevices.read(linux),
        IntelRdt.read(linux),
        MemoryPolicy.read(linux),
        Personality.read(linux),
        MountLabel.read(linux));
  }
}
