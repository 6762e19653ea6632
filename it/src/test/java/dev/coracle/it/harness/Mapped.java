package dev.coracle.it.harness;

import com.google.gson.JsonObject;
import java.util.List;

/** Bundles with a user namespace: root of the container is a user of the host. */
public final class Mapped {
  /** The host's id of the container's root. */
  public static final int ROOT = 100000;

  private Mapped() {}

  /** A line of a map. */
  public static JsonObject line(long container, long host, long size) {
    return Json.object("containerID", container, "hostID", host, "size", size);
  }

  /** A bundle whose ids 0 to 65535 are those from {@link #ROOT} on, with its own root. */
  public static Bundle bundle(Testbed bed) {
    Bundle bundle = bed.bundle().namespace("user", null);
    List<JsonObject> map = List.of(line(0, ROOT, 65536));
    bundle.set("/linux/uidMappings", map).set("/linux/gidMappings", map);
    give(bed, bundle, ROOT);
    return bundle;
  }

  /** Gives the bundle's root file system to a user of the host. */
  public static void give(Testbed bed, Bundle bundle, int uid) {
    bed.program("chown", "-hR", uid + ":" + uid, bundle.rootfs().toString()).execute().ok();
  }
}
