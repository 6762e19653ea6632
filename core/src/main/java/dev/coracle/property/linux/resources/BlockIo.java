package dev.coracle.property.linux.resources;

import dev.coracle.cgroup.CgroupFiles;
import dev.coracle.cgroup.CgroupSteps;
import dev.coracle.cgroup.IoWeight;
import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.plan.Action;
import dev.coracle.plan.Errors;
import dev.coracle.spec.Resources;
import dev.coracle.spec.Resources.ThrottleDevice;
import dev.coracle.spec.Resources.WeightDevice;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Weights and rates of block devices (config-linux.md, "Block IO").
 *
 * <p>A weight goes to the BFQ scheduler where the kernel has it, which takes it as it is, or else
 * to io.weight, whose scale is another one. A weight of 0 means that it is not set; a rate of 0
 * that there is no limit.
 *
 * <p>Kernel: linux v6.12 Documentation/admin-guide/cgroup-v1/blkio-controller.rst, cgroup-v2.rst,
 * block/bfq-cgroup.c. Peers: runc chooses the files in this way.
 */
public final class BlockIo {
  public static final Pointer POINTER = Pointer.of("/linux/resources/blockIO");

  private static final Pointer WEIGHT = POINTER.child("weight");
  private static final Pointer LEAF_WEIGHT = POINTER.child("leafWeight");
  private static final Pointer WEIGHT_DEVICE = POINTER.child("weightDevice");

  private static final int WEIGHT_MIN = 10;
  private static final int WEIGHT_MAX = 1000;
  private static final long MAJOR_MAX = (1L << 12) - 1;
  private static final long MINOR_MAX = (1L << 20) - 1;

  private BlockIo() {}

  /** Reads it. */
  public static Resources.@Nullable BlockIo read(Members resources) {
    Members m = resources.object("blockIO");
    if (m == null) {
      return null;
    }
    return new Resources.BlockIo(
        weight(m, "weight"),
        weight(m, "leafWeight"),
        weightDevices(m),
        rates(m, "throttleReadBpsDevice"),
        rates(m, "throttleWriteBpsDevice"),
        rates(m, "throttleReadIOPSDevice"),
        rates(m, "throttleWriteIOPSDevice"));
  }

  private static @Nullable Integer weight(Members m, String key) {
    Long weight = m.number(key, 0, 0xffff);
    if (weight == null || weight == 0) {
      return null;
    }
    if (weight < WEIGHT_MIN || weight > WEIGHT_MAX) {
      m.error(key, "must be from 10 to 1000, not " + weight);
      return null;
    }
    return weight.intValue();
  }

  private static List<WeightDevice> weightDevices(Members blockIo) {
    List<WeightDevice> out = new ArrayList<>();
    for (Members m : blockIo.objects("weightDevice")) {
      Integer weight = weight(m, "weight");
      Integer leafWeight = weight(m, "leafWeight");
      if (!m.has("weight") && !m.has("leafWeight")) {
        m.error("needs weight or leafWeight");
      }
      out.add(new WeightDevice(major(m), minor(m), weight, leafWeight));
    }
    return out;
  }

  private static List<ThrottleDevice> rates(Members blockIo, String key) {
    List<ThrottleDevice> out = new ArrayList<>();
    for (Members m : blockIo.objects(key)) {
      Long rate = m.uint64("rate");
      if (!m.has("rate")) {
        m.error("rate", "is required");
      }
      out.add(new ThrottleDevice(major(m), minor(m), rate == null ? 0 : rate));
    }
    return out;
  }

  private static long major(Members m) {
    return number(m, "major", MAJOR_MAX);
  }

  private static long minor(Members m) {
    return number(m, "minor", MINOR_MAX);
  }

  private static long number(Members m, String key, long most) {
    Long number = m.number(key, 0, most);
    if (!m.has(key)) {
      m.error(key, "is required");
    }
    return number == null ? 0 : number;
  }

  /** Writes it. */
  public static void plan(Resources.BlockIo b, CgroupSteps steps) {
    // The controller has another name on v2.
    CgroupFiles v1 = steps.files("blkio");
    boolean isV1 = v1.version() == dev.coracle.cgroup.CgroupLayout.Version.V1;
    CgroupFiles files = isV1 ? v1 : steps.files("io");
    if (isV1) {
      weightsV1(b, files);
    } else {
      weightsV2(b, files);
    }
    plan(b.throttleReadBpsDevice(), "throttleReadBpsDevice", "read_bps", "rbps", files, isV1);
    plan(b.throttleWriteBpsDevice(), "throttleWriteBpsDevice", "write_bps", "wbps", files, isV1);
    plan(b.throttleReadIopsDevice(), "throttleReadIOPSDevice", "read_iops", "riops", files, isV1);
    plan(
        b.throttleWriteIopsDevice(), "throttleWriteIOPSDevice", "write_iops", "wiops", files, isV1);
  }

  private static void weightsV1(Resources.BlockIo b, CgroupFiles files) {
    Integer weight = b.weight();
    if (weight != null) {
      either("blkio.bfq.weight", "" + weight, "blkio.weight", "" + weight, WEIGHT, files);
    }
    Integer leafWeight = b.leafWeight();
    if (leafWeight != null) {
      files.write("blkio.leaf_weight", "" + leafWeight, LEAF_WEIGHT);
    }
    for (int i = 0; i < b.weightDevice().size(); i++) {
      WeightDevice d = b.weightDevice().get(i);
      Pointer at = WEIGHT_DEVICE.child(i);
      String device = d.major() + ":" + d.minor() + " ";
      if (d.weight() != null) {
        String line = device + d.weight();
        either("blkio.bfq.weight_device", line, "blkio.weight_device", line, at, files);
      }
      if (d.leafWeight() != null) {
        files.write("blkio.leaf_weight_device", device + d.leafWeight(), at);
      }
    }
  }

  private static void weightsV2(Resources.BlockIo b, CgroupFiles files) {
    Integer weight = b.weight();
    if (weight != null) {
      String other = "" + IoWeight.ofBlkio(weight);
      either("io.bfq.weight", "" + weight, "io.weight", other, WEIGHT, files);
    }
    if (b.leafWeight() != null) {
      files.unsupportedOnV2(LEAF_WEIGHT);
    }
    for (int i = 0; i < b.weightDevice().size(); i++) {
      WeightDevice d = b.weightDevice().get(i);
      Pointer at = WEIGHT_DEVICE.child(i);
      Integer own = d.weight();
      if (own != null) {
        String device = d.major() + ":" + d.minor() + " ";
        String other = device + IoWeight.ofBlkio(own);
        either("io.bfq.weight", device + own, "io.weight", other, at, files);
      }
      if (d.leafWeight() != null) {
        files.unsupportedOnV2(at.child("leafWeight"));
      }
    }
  }

  private static void either(
      String first, String value, String otherwise, String other, Pointer at, CgroupFiles files) {
    Action action =
        new Action.WriteEitherCgroupFile(files.value(first, value), files.value(otherwise, other));
    files.add(action, at, Errors.NONE);
  }

  private static void plan(
      List<ThrottleDevice> rates,
      String key,
      String v1,
      String v2,
      CgroupFiles files,
      boolean isV1) {
    for (int i = 0; i < rates.size(); i++) {
      ThrottleDevice d = rates.get(i);
      Pointer at = POINTER.child(key).child(i);
      String device = d.major() + ":" + d.minor() + " ";
      String rate = Long.toUnsignedString(d.rate());
      if (isV1) {
        files.write("blkio.throttle." + v1 + "_device", device + rate, at);
      } else {
        // On v2 a 0 is refused, and stands for no limit as on v1.
        files.write("io.max", device + v2 + "=" + (d.rate() == 0 ? "max" : rate), at);
      }
    }
  }
}
