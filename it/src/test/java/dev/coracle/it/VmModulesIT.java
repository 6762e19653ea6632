package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.MachineKernels;
import dev.coracle.it.harness.Result;
import dev.coracle.it.harness.Testbed;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The kernel's modules in a container of a virtual machine: dev.coracle.vm.lib_modules. */
@ContainerTest
@Tag("vm")
@CoracleOnly("no peer shows the modules of a guest's kernel")
class VmModulesIT {
  private static Bundle machine(Testbed bed) {
    return bed.bundle()
        .set(
            "/annotations",
            Json.object("dev.coracle.sandbox", "microvm", "dev.coracle.vm.accelerator", "tcg"))
        .symlink("/bin/modprobe", "busybox")
        .capabilities("CAP_SYS_MODULE", "CAP_NET_ADMIN");
  }

  private static Result run(Testbed bed, Bundle bundle, String configuration) {
    return bed.runCommand(bundle).env("CORACLE_CONFIG", configuration).execute();
  }

  @Test
  void modprobeLoadsAModuleAndItsDirectoryCannotBeWritten(Testbed bed) {
    Bundle bundle =
        machine(bed)
            .env("RUNCVM_KERNEL_MOUNT_LIB_MODULES=1")
            .sh(
                "modprobe dummy && ip link add d0 type dummy && ip link show d0"
                    + " && touch /lib/modules/$(uname -r)/x");
    Result result = run(bed, bundle, MachineKernels.configuration().toString());
    assertThat(result.stdout()).contains("d0: <BROADCAST,NOARP>");
    assertThat(result.fails().stderr()).contains("Read-only file system");
  }

  @Test
  void withoutBeingAskedForTheyAreNotShown(Testbed bed) {
    Bundle bundle = machine(bed).sh("ls /lib/modules; modprobe dummy");
    Result result = run(bed, bundle, MachineKernels.configuration().toString()).fails();
    assertThat(result.stderr()).contains("/lib/modules: No such file or directory");
  }

  @Test
  void aKernelWithoutModulesHasNoneToShow(Testbed bed) {
    Path kernels = bed.directory().resolve("kernels");
    Path config = bed.file("config.toml", "[vm]\nkernels = \"" + kernels + "\"\n");
    String vmlinux = System.getProperty("coracle.it.vm") + "/vmlinux";
    bed.plain("vm", "kernel", "add", "bare", vmlinux, "--kernels=" + kernels).execute().ok();
    Bundle bundle = machine(bed).set("/annotations/dev.coracle.vm.lib_modules", "true");
    assertThat(run(bed, bundle, config.toString()).fails().error())
        .contains("the kernel \"bare\" was added without modules: --modules DIR");
  }
}
