package dev.coracle.vm;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.config.ConfigReader;
import dev.coracle.problem.Problem;
import dev.coracle.problem.Problems;
import dev.coracle.spec.Spec;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VmOptionsTest {
  private final Problems problems = new Problems();

  /** What a bundle with these members asks for; {@code '} stands for {@code "}. */
  private VmConfig of(String annotations, String env, String more) {
    String json =
        "{'ociVersion': '1.3.0', 'root': {'path': 'r'}, 'annotations': {"
            + annotations
            + "}, 'process': {'cwd': '/', 'args': ['x'], 'user': {'uid': 0, 'gid': 0}, 'env': ["
            + env
            + "]}"
            + more
            + "}";
    byte[] bytes = json.replace('\'', '"').getBytes(UTF_8);
    Spec spec = requireNonNull(ConfigReader.read(bytes, 0, bytes.length, -1, problems));
    return VmOptions.read(spec, problems);
  }

  private List<String> told() {
    List<String> out = new ArrayList<>();
    for (Problem p : problems.all()) {
      out.add((p.severity() == Problem.Severity.WARNING ? "warning " : "") + p);
    }
    return out;
  }

  @Test
  void nothingIsAskedFor() {
    VmConfig c = of("", "", "");
    assertThat(c.kernel()).isNull();
    assertThat(c.image()).isFalse();
    assertThat(c.vcpus()).isEqualTo(1);
    assertThat(c.memoryMib()).isEqualTo(512);
    assertThat(c.accelerator()).isNull();
    assertThat(c.machine()).isEqualTo(MachineType.MICROVM);
    assertThat(c.cache()).isEqualTo(Virtiofsd.Cache.AUTO);
    assertThat(c.disks()).isEmpty();
    assertThat(told()).isEmpty();
  }

  @Test
  void annotationsAreHeard() {
    VmConfig c =
        of(
            "'dev.coracle.vm.kernel': 'mine', 'dev.coracle.vm.cpus': '4',"
                + " 'dev.coracle.vm.memory': '2g', 'dev.coracle.vm.accelerator': 'kvm',"
                + " 'dev.coracle.vm.machine': 'q35', 'dev.coracle.vm.kernel_append': 'a b',"
                + " 'dev.coracle.vm.kernel_debug': 'true', 'dev.coracle.vm.cpu': 'max',"
                + " 'dev.coracle.vm.virtiofs.cache': 'always', 'dev.coracle.vm.template': '1',"
                + " 'dev.coracle.vm.lib_modules': 'yes',"
                + " 'dev.coracle.vm.disks': '/s,/d,ext4,1G;/e,/f,ext4'",
            "",
            "");
    assertThat(told()).isEmpty();
    assertThat(c.kernel()).isEqualTo("mine");
    assertThat(c.vcpus()).isEqualTo(4);
    assertThat(c.memoryMib()).isEqualTo(2048);
    assertThat(c.accelerator()).isEqualTo(Accelerator.KVM);
    assertThat(c.machine()).isEqualTo(MachineType.Q35);
    assertThat(c.append()).containsExactly("a b");
    assertThat(c.debug()).isTrue();
    assertThat(c.cpu()).isEqualTo("max");
    assertThat(c.cache()).isEqualTo(Virtiofsd.Cache.ALWAYS);
    assertThat(c.template()).isTrue();
    assertThat(c.libModules()).isTrue();
    assertThat(c.disks())
        .containsExactly(
            new VmConfig.DiskRequest("/s", "/d", "ext4", 1L << 30),
            new VmConfig.DiskRequest("/e", "/f", "ext4", 0));
  }

  @Test
  void aDisksSizeInBytesOrWithAUnitAndHowManyThereMayBe() {
    VmConfig c = of("'dev.coracle.vm.disks': '/a,/b,ext2,1048576;/c,/d,ext3,64M'", "", "");
    assertThat(c.disks())
        .containsExactly(
            new VmConfig.DiskRequest("/a", "/b", "ext2", 1 << 20),
            new VmConfig.DiskRequest("/c", "/d", "ext3", 64 << 20));
    assertThat(told()).isEmpty();
    of("'dev.coracle.vm.disks': '" + "/a,/b,ext4;".repeat(9) + "'", "", "");
    assertThat(told())
        .containsExactly(
            "config.json /annotations/dev.coracle.vm.disks: there can be 8 disks at most");
  }

  @Test
  void whoCountsMore() {
    String vm =
        ", 'vm': {'kernel': {'path': '/k', 'parameters': ['p']},"
            + " 'hwConfig': {'vcpus': 3, 'memory': 805306368}}";
    String limits =
        ", 'linux': {'resources': {'memory': {'limit': 1073741824},"
            + " 'cpu': {'quota': 150000, 'period': 100000}}}";
    String env = "'RUNCVM_CPUS=5', 'RUNCVM_MEM=640', 'RUNCVM_KERNEL_APPEND=e'";
    VmConfig all =
        of("'dev.coracle.vm.cpus': '7', 'dev.coracle.vm.memory': '256M'", env, vm + limits);
    assertThat(all.vcpus()).isEqualTo(7);
    assertThat(all.memoryMib()).isEqualTo(256);
    assertThat(all.append()).containsExactly("p", "e");
    VmConfig section = of("", env, vm + limits);
    assertThat(section.vcpus()).isEqualTo(3);
    assertThat(section.memoryMib()).isEqualTo(768);
    VmConfig variables = of("", env, limits);
    assertThat(variables.vcpus()).isEqualTo(5);
    assertThat(variables.memoryMib()).isEqualTo(640);
    VmConfig limited = of("", "", limits);
    assertThat(limited.vcpus()).isEqualTo(2);
    assertThat(limited.memoryMib()).isEqualTo(1024);
    assertThat(told()).isEmpty();
  }

  @Test
  void theKernelOfAnAnnotationCountsBeforeTheSections() {
    String vm = ", 'vm': {'kernel': {'path': '/k'}}";
    String variable = "'RUNCVM_KERNEL=debian/6.1'";
    VmConfig annotated = of("'dev.coracle.vm.kernel': 'mine'", variable, vm);
    assertThat(annotated.kernel()).isEqualTo("mine");
    assertThat(annotated.kernelFile()).isNull();
    VmConfig images = of("'dev.coracle.vm.kernel': 'image'", variable, vm);
    assertThat(images.image()).isTrue();
    assertThat(images.kernelFile()).isNull();
    VmConfig section = of("", variable, vm);
    assertThat(section.kernel()).isNull();
    assertThat(section.kernelFile()).isEqualTo("/k");
    assertThat(of("'dev.coracle.vm.kernel': ''", "", vm).kernelFile()).isEqualTo("/k");
    VmConfig variables = of("", variable, "");
    assertThat(variables.kernel()).isEqualTo("debian-6.1");
    assertThat(variables.kernelFile()).isNull();
    assertThat(told()).isEmpty();
  }

  @Test
  void smallAndEndlessLimits() {
    String memory = ", 'linux': {'resources': {'memory': {'limit': %}}}";
    assertThat(of("", "", memory.replace("%", "6291456")).memoryMib()).isEqualTo(96);
    assertThat(of("", "", memory.replace("%", "-1")).memoryMib()).isEqualTo(512);
    assertThat(of("", "", memory.replace("%", "9223372036854771712")).memoryMib()).isEqualTo(512);
    String quota = ", 'linux': {'resources': {'cpu': {'quota': %}}}";
    assertThat(of("", "", quota.replace("%", "50000")).vcpus()).isEqualTo(1);
    assertThat(of("", "", quota.replace("%", "-1")).vcpus()).isEqualTo(1);
    assertThat(told()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "'dev.coracle.vm.cpuz': '1'||config.json /annotations/dev.coracle.vm.cpuz: unknown option; there are acc",
        "'dev.coracle.vm.cpus': '0'||config.json /annotations/dev.coracle.vm.cpus: must be a number from 1 to 240",
        "'dev.coracle.vm.cpus': 'two'||config.json /annotations/dev.coracle.vm.cpus: must be a number",
        "'dev.coracle.vm.memory': '12Q'||config.json /annotations/dev.coracle.vm.memory: must be a size such as 512M",
        "'dev.coracle.vm.memory': '16M'||config.json /annotations/dev.coracle.vm.memory: must be from 96 MiB",
        "'dev.coracle.vm.accelerator': 'hvf'||config.json /annotations/dev.coracle.vm.accelerator: must be auto, kvm or tcg",
        "'dev.coracle.vm.machine': 'pc'||config.json /annotations/dev.coracle.vm.machine: must be microvm or q35",
        "'dev.coracle.vm.kernel': '/etc/shadow'||config.json /annotations/dev.coracle.vm.kernel: must be image, or the name",
        "'dev.coracle.vm.kernel': '../x'||config.json /annotations/dev.coracle.vm.kernel: must be image, or the name",
        "'dev.coracle.vm.kernel_debug': '2'||config.json /annotations/dev.coracle.vm.kernel_debug: must be true or false",
        "'dev.coracle.vm.cpu': 'max,vendor=x'||config.json /annotations/dev.coracle.vm.cpu: must be a processor",
        "'dev.coracle.vm.virtiofs.cache': 'x'||config.json /annotations/dev.coracle.vm.virtiofs.cache: must be auto",
        "'dev.coracle.vm.disks': '/a,/b,xfs'||config.json /annotations/dev.coracle.vm.disks: must be source,",
        "'dev.coracle.vm.disks': '/a,/b c,ext4'||config.json /annotations/dev.coracle.vm.disks: must be source,",
        "'dev.coracle.vm.disks': '/a,/,ext4'||config.json /annotations/dev.coracle.vm.disks: must be source,",
        "'dev.coracle.vm.disks': '/a/..,/b,ext4'||config.json /annotations/dev.coracle.vm.disks: must be source,",
        "'dev.coracle.vm.disks': 'a,/b,ext4'||config.json /annotations/dev.coracle.vm.disks: must be source,",
        "'dev.coracle.vm.disks': '/a,/b,ext4,0'||config.json /annotations/dev.coracle.vm.disks: must be source,",
        "'dev.coracle.vm.break': 'prenet'||config.json /annotations/dev.coracle.vm.break: a machine cannot stop",
        "|'A=b', 'RUNCVM_BREAK=postnet'|config.json /process/env/1: a machine cannot stop",
        "|'RUNCVM_QEMU_ARCH=arm64'|config.json /process/env/0: RUNCVM_QEMU_ARCH: the machine is of x86_64",
        "|'RUNCVM_DISPLAY_MODE=vnc'|warning config.json /process/env/0: RUNCVM_DISPLAY_MODE has no effect: the machine has no screen",
        "|'RUNCVM_CGROUPFS=hybrid'|warning config.json /process/env/0: RUNCVM_CGROUPFS has no effect",
        "|'RUNCVM_SYS_ADMIN=1'|warning config.json /process/env/0: RUNCVM_SYS_ADMIN is not needed",
        "|'RUNCVM_HUGETLB=1'|warning config.json /process/env/0: RUNCVM_HUGETLB has no effect",
        "|'RUNCVM_BIOS=EFI'|warning config.json /process/env/0: RUNCVM_BIOS has no effect",
        "|'RUNCVM_QEMU_USB=1'|warning config.json /process/env/0: RUNCVM_QEMU_USB the machine has no USB",
        "|'RUNCVM_INIT=1'|warning config.json /process/env/0: RUNCVM_INIT has no effect: use the engine's --init",
        "|'RUNCVM_FOO=1'|warning config.json /process/env/0: RUNCVM_FOO is not known",
      })
  void whatIsWrongIsTold(String annotations, String env, String problem) {
    of(annotations == null ? "" : annotations, env == null ? "" : env, "");
    assertThat(told()).hasSize(1);
    assertThat(told().get(0)).startsWith(problem);
  }

  @Test
  void optionsThatAskForWhatIsThereAreQuiet() {
    VmConfig c =
        of(
            "",
            "'RUNCVM_KERNEL=debian/6.1', 'RUNCVM_VIRTIOFSD_CACHE=none', 'RUNCVM_CGROUPFS=2',"
                + " 'RUNCVM_DISPLAY_MODE=headless', 'RUNCVM_QEMU_ARCH=x86_64', 'RUNCVM_INIT=0',"
                + " 'RUNCVM_KERNEL_DEBUG=1', 'RUNCVM_BREAK=', 'RUNCVM_DISKS=/a,/b,ext4,5G'",
            "");
    assertThat(told()).isEmpty();
    assertThat(c.kernel()).isEqualTo("debian-6.1");
    assertThat(c.cache()).isEqualTo(Virtiofsd.Cache.NEVER);
    assertThat(c.debug()).isTrue();
    assertThat(c.disks()).hasSize(1);
  }

  @Test
  void moreMemoryThanTheLimit() {
    of(
        "'dev.coracle.vm.memory': '1G'",
        "",
        ", 'linux': {'resources': {'memory': {'limit': 536870912}}}");
    assertThat(told()).hasSize(1);
    assertThat(told().get(0)).contains("more than /linux/resources/memory/limit");
  }

  @Test
  void anImageOfADiskIsNoRoot() {
    of("", "", ", 'vm': {'kernel': {'path': '/k'}, 'image': {'path': '/i', 'format': 'raw'}}");
    assertThat(told()).hasSize(1);
    assertThat(told().get(0)).startsWith("config.json /vm/image: is not supported");
  }

  @Test
  void sizes() {
    assertThat(VmOptions.bytes("64")).isEqualTo(64L << 20);
    assertThat(VmOptions.bytes("64k")).isEqualTo(64L << 10);
    assertThat(VmOptions.bytes("1GiB")).isEqualTo(1L << 30);
    for (String bad : new String[] {"", "x", "-1", "1.5G", "99999999999", "1T"}) {
      assertThat(VmOptions.bytes(bad)).as(bad).isNegative();
    }
  }
}
