package dev.coracle.lifecycle;

import dev.coracle.json.JsonWriter;
import dev.coracle.property.Mounts;
import dev.coracle.property.OciVersion;
import dev.coracle.property.linux.MemoryPolicy;
import dev.coracle.property.linux.SeccompFilter;
import dev.coracle.property.process.Capabilities;
import dev.coracle.spec.Linux.NamespaceType;

/** {@code features} (features.md, features-linux.md) and {@code --version}. */
public final class Features {
  private static final String VERSION = "0.1.0";

  private Features() {}

  /**
   * Three lines, as engines read them.
   *
   * @param commit of the sources from which the binary was made
   */
  public static String version(String name, String commit) {
    return name
        + " version "
        + VERSION
        + "\ncommit: "
        + commit
        + "\nspec: "
        + OciVersion.NEWEST
        + "\n";
  }

  /** What this runtime supports, on any host. */
  public static String json() {
    JsonWriter out = JsonWriter.indented();
    out.object();
    out.field("ociVersionMin", "1.0.0").field("ociVersionMax", OciVersion.NEWEST);
    words(out, "hooks", "prestart createRuntime createContainer startContainer poststart poststop");
    words(out, "mountOptions", Mounts.OPTIONS);
    out.key("linux").object();
    out.key("namespaces").array();
    for (NamespaceType type : NamespaceType.values()) {
      out.value(type.specName());
    }
    out.endArray();
    out.key("capabilities").array();
    for (String name : Capabilities.names()) {
      out.value(name);
    }
    out.endArray();
    out.key("cgroup").object();
    out.field("v1", true).field("v2", true).field("systemd", true);
    out.field("systemdUser", true).field("rdma", true).endObject();
    seccomp(out);
    enabled(out, "apparmor");
    enabled(out, "selinux");
    out.key("intelRdt").object().field("enabled", true);
    out.field("schemata", true).field("monitoring", true).endObject();
    out.key("memoryPolicy").object();
    words(out, "modes", MemoryPolicy.MODES);
    words(out, "flags", MemoryPolicy.FLAGS);
    out.endObject();
    out.key("mountExtensions").object().key("idmap").object().field("enabled", true);
    out.endObject().endObject();
    enabled(out, "netDevices");
    out.endObject();
    out.key("annotations").object();
    out.field("dev.coracle.version", VERSION);
    out.field("org.opencontainers.runc.checkpoint.enabled", "true").endObject();
    words(out, "potentiallyUnsafeConfigAnnotations", SandboxChoice.ANNOTATION);
    out.endObject();
    return out + "\n";
  }

  private static void seccomp(JsonWriter out) {
    out.key("seccomp").object().field("enabled", true);
    words(
        out,
        "actions",
        "SCMP_ACT_ALLOW SCMP_ACT_ERRNO SCMP_ACT_KILL SCMP_ACT_KILL_PROCESS SCMP_ACT_KILL_THREAD"
            + " SCMP_ACT_LOG SCMP_ACT_NOTIFY SCMP_ACT_TRACE SCMP_ACT_TRAP");
    words(
        out,
        "operators",
        "SCMP_CMP_EQ SCMP_CMP_GE SCMP_CMP_GT SCMP_CMP_LE SCMP_CMP_LT SCMP_CMP_MASKED_EQ"
            + " SCMP_CMP_NE");
    words(out, "archs", "SCMP_ARCH_X32 SCMP_ARCH_X86 SCMP_ARCH_X86_64");
    words(out, "knownFlags", SeccompFilter.FLAGS);
    words(out, "supportedFlags", SeccompFilter.FLAGS);
    out.endObject();
  }

  private static void enabled(JsonWriter out, String key) {
    out.key(key).object().field("enabled", true).endObject();
  }

  private static void words(JsonWriter out, String key, String words) {
    out.key(key).array();
    int from = 0;
    while (from < words.length()) {
      int to = words.indexOf(' ', from);
      to = to < 0 ? words.length() : to;
      if (to > from) {
        out.value(words.substring(from, to));
      }
      from = to + 1;
    }
    out.endArray();
  }
}
