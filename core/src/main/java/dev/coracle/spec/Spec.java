package dev.coracle.spec;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A container's configuration.
 *
 * @param ociVersion the version of the runtime-spec that the bundle was written for
 * @param process what runs; null where the container is created without a program
 * @param root the root filesystem; null where the sandbox has none
 * @param hostname the host name in a new UTS namespace
 * @param domainname the NIS domain name in a new UTS namespace
 * @param mounts in the order in which they are made
 * @param hooks all six kinds
 * @param annotations as they were given, in order
 * @param linux the Linux section; one without anything where the bundle has none
 * @param enclosure a root around the root; null where the sandbox needs none
 * @param vm what a virtual machine is made of; null where nothing is said of it
 */
public record Spec(
    String ociVersion,
    @Nullable Process process,
    @Nullable Root root,
    @Nullable String hostname,
    @Nullable String domainname,
    List<Mount> mounts,
    Hooks hooks,
    Map<String, String> annotations,
    Linux linux,
    @Nullable Enclosure enclosure,
    @Nullable Vm vm) {
  /** A configuration as a bundle has it. */
  public Spec(
      String ociVersion,
      @Nullable Process process,
      @Nullable Root root,
      @Nullable String hostname,
      @Nullable String domainname,
      List<Mount> mounts,
      Hooks hooks,
      Map<String, String> annotations,
      Linux linux) {
    this(
        ociVersion,
        process,
        root,
        hostname,
        domainname,
        mounts,
        hooks,
        annotations,
        linux,
        null,
        null);
  }

  /** The same around which there is a root of ours. */
  public Spec(
      String ociVersion,
      @Nullable Process process,
      @Nullable Root root,
      @Nullable String hostname,
      @Nullable String domainname,
      List<Mount> mounts,
      Hooks hooks,
      Map<String, String> annotations,
      Linux linux,
      @Nullable Enclosure enclosure) {
    this(
        ociVersion,
        process,
        root,
        hostname,
        domainname,
        mounts,
        hooks,
        annotations,
        linux,
        enclosure,
        null);
  }
}
