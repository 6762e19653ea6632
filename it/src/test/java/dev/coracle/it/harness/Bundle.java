package dev.coracle.it.harness;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A bundle on disk: a root file system of busybox, and a config.json that is written when used. */
public final class Bundle {
  private static final String APPLETS =
      "ash awk base64 basename cat chgrp chmod chown chroot cp cut date dd df dirname dmesg echo env"
          + " expr false find free grep groups head hostname id ifconfig ionice ip kill ln ls md5sum mkdir"
          + " mkfifo mknod mktemp mount mv nc nice nproc nsenter od pidof ps pwd readlink realpath renice"
          + " rm rmdir sed seq setpriv setsid sh sleep sort stat stty sync sysctl tail tar tee test"
          + " timeout touch tr true truncate tty umount uname uniq unshare usleep wc wget whoami xargs"
          + " yes";
  private static final String TEMPLATE = resource("config.json");

  private final Path directory;
  private final String id;
  private JsonObject config;
  private @Nullable String rawConfig;

  Bundle(Path directory, String id, OciRuntime runtime) {
    this.directory = directory;
    this.id = id;
    this.config = Json.parseObject(TEMPLATE);
    // A name of our own, and absolute: a relative one lands below the caller's own memory cgroup.
    set("/linux/cgroupsPath", "/" + id);
    if (runtime.isCrun() && Cgroups.here().view() == Cgroups.View.V2) {
      // crun raises RLIMIT_MEMLOCK for device eBPF, which needs CAP_SYS_RESOURCE.
      remove("/linux/resources/devices");
    }
    makeRootfs();
  }

  private static String resource(String name) {
    try (InputStream in = Objects.requireNonNull(Bundle.class.getResourceAsStream(name))) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public Path directory() {
    return directory;
  }

  /** The id that its container gets unless a test names another; also its cgroup's name. */
  public String id() {
    return id;
  }

  public String cgroupsPath() {
    return "/" + id;
  }

  public Path rootfs() {
    return directory.resolve("rootfs");
  }

  public Path inRootfs(String path) {
    return Path.of(rootfs() + path);
  }

  public JsonObject config() {
    return config;
  }

  public Bundle set(String pointer, @Nullable Object value) {
    Json.set(config, pointer, value);
    return this;
  }

  public Bundle add(String pointer, Object value) {
    return set(pointer + "/-", value);
  }

  public Bundle remove(String pointer) {
    Json.remove(config, pointer);
    return this;
  }

  public Bundle args(String... args) {
    return set("/process/args", args);
  }

  /** The container runs a script. */
  public Bundle sh(String script) {
    return args("sh", "-c", script);
  }

  /** The container lasts until it is killed, and dies of SIGTERM at once. */
  public Bundle lasting() {
    return sh("trap 'exit 143' TERM; while :; do sleep 100 & wait; done");
  }

  /** The container runs the C program of the tests. */
  public Bundle probe(String... args) {
    addProbe();
    List<String> all = new ArrayList<>(List.of("/bin/probe"));
    all.addAll(List.of(args));
    return args(all.toArray(String[]::new));
  }

  public Bundle addProbe() {
    try {
      if (!Files.exists(inRootfs("/bin/probe"))) {
        Files.copy(CProgram.PROBE.binary(), inRootfs("/bin/probe"));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return this;
  }

  public Bundle env(String assignment) {
    return add("/process/env", assignment);
  }

  public Bundle mount(String destination, String type, Object source, String... options) {
    return add(
        "/mounts",
        Json.object(
            "destination",
            destination,
            "type",
            type,
            "source",
            source.toString(),
            "options",
            options));
  }

  public Bundle capabilities(String... names) {
    for (String set : List.of("bounding", "effective", "permitted")) {
      set("/process/capabilities/" + set, names);
    }
    return this;
  }

  /** Adds a namespace, in place of one of the same type. */
  public Bundle namespace(String type, @Nullable Path path) {
    withoutNamespace(type);
    JsonObject namespace = Json.object("type", type);
    if (path != null) {
      namespace.addProperty("path", path.toString());
    }
    return add("/linux/namespaces", namespace);
  }

  public Bundle withoutNamespace(String type) {
    JsonArray kept = new JsonArray();
    for (JsonElement e : Json.get(config, "/linux/namespaces").getAsJsonArray()) {
      if (!e.getAsJsonObject().get("type").getAsString().equals(type)) {
        kept.add(e);
      }
    }
    return set("/linux/namespaces", kept);
  }

  /** The mount of a destination, for edits. */
  public JsonObject mountAt(String destination) {
    for (JsonElement e : Json.get(config, "/mounts").getAsJsonArray()) {
      if (e.getAsJsonObject().get("destination").getAsString().equals(destination)) {
        return e.getAsJsonObject();
      }
    }
    throw new IllegalArgumentException("no mount at " + destination);
  }

  public Bundle withoutMount(String destination) {
    Json.get(config, "/mounts").getAsJsonArray().remove(mountAt(destination));
    return this;
  }

  /** Takes the place of config.json whatever it is. */
  public Bundle rawConfig(String text) {
    rawConfig = text;
    return this;
  }

  /** Writes a file for the container; its folder is made too. */
  public Bundle file(String path, String content) {
    try {
      Files.createDirectories(Objects.requireNonNull(inRootfs(path).getParent()));
      Files.writeString(inRootfs(path), content);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return this;
  }

  public Bundle executable(String path, String content) {
    file(path, content);
    return mode(path, "rwxr-xr-x");
  }

  public Bundle mode(String path, String permissions) {
    try {
      Files.setPosixFilePermissions(inRootfs(path), PosixFilePermissions.fromString(permissions));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return this;
  }

  public Bundle folder(String path) {
    try {
      Files.createDirectories(inRootfs(path));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return this;
  }

  public Bundle symlink(String path, String target) {
    try {
      Files.createSymbolicLink(inRootfs(path), Path.of(target));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return this;
  }

  /** Writes config.json and tells where the bundle is. */
  public Path write() {
    try {
      Files.writeString(
          directory.resolve("config.json"), rawConfig != null ? rawConfig : Json.text(config));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return directory;
  }

  private void makeRootfs() {
    try {
      Files.createDirectories(directory);
      for (String dir : "bin etc proc sys dev tmp root var/run".split(" ", -1)) {
        Files.createDirectories(rootfs().resolve(dir));
      }
      Files.copy(Path.of("/bin/busybox"), inRootfs("/bin/busybox"));
      for (String applet : APPLETS.split(" ", -1)) {
        symlink("/bin/" + applet, "busybox");
      }
      file(
          "/etc/passwd",
          "root:x:0:0:root:/root:/bin/sh\nsailor:x:1000:1000::/home/sailor:/bin/sh\n");
      file("/etc/group", "root:x:0:\nsailor:x:1000:\ncrew:x:1001:sailor\n");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
