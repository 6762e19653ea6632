package dev.coracle.lifecycle;

import dev.coracle.config.Host;
import dev.coracle.execute.Files;
import dev.coracle.execute.Service;
import dev.coracle.machine.ExecService;
import dev.coracle.machine.MachineService;
import dev.coracle.machine.Qemu;
import dev.coracle.problem.Problems;
import dev.coracle.property.linux.Namespaces;
import dev.coracle.sandbox.MicroVmSandbox;
import dev.coracle.sandbox.MicroVmSandbox.Needs;
import dev.coracle.spec.Linux.NamespaceType;
import dev.coracle.spec.Process;
import dev.coracle.vm.Field;
import dev.coracle.vm.RequestWriter;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Virtual machines as verbs see them: what they are made of, and the processes in their place. */
final class Machines {
  private static final long OVERHEAD_BYTES = 128L << 20;

  /** All that is known of a machine before anything is done. */
  record Prepared(Needs needs, Service service) {}

  private Machines() {}

  /** Prepares the machine of a bundle. */
  static Prepared prepare(Environment e, String id, Bundle bundle, Host host, Problems problems)
      throws Failure {
    if (bundle.spec().linux().namespace(NamespaceType.NETWORK) == null) {
      problems.error(
          Namespaces.POINTER,
          "a virtual machine needs a network namespace: it cannot have the host's network; add"
              + " {\"type\":\"network\"}");
    }
    String kernels = e.variable("CORACLE_TMP_KERNELS");
    List<String> shown = new ArrayList<>();
    shown.add("/usr/lib");
    shown.add("/usr/bin");
    shown.add("/usr/share");
    shown.add("/lib");
    shown.add("/lib64");
    shown.add(kernels);
    Needs needs = new Needs(shown, false, OVERHEAD_BYTES, host.grantable(bundle.spec()));
    Process process = bundle.spec().process();
    boolean terminal = process != null && process.terminal();
    Qemu qemu = new Qemu(new TemporaryLines(kernels), 60_000);
    return new Prepared(
        needs,
        new MachineService(
            new MachineService.Parts(id, bundle.config(), bundle.length(), terminal, qemu)));
  }

  /** What stands for an exec in a machine. */
  static Service exec(Exec.Request request, Files.@Nullable Content processFile, boolean terminal) {
    RequestWriter out = new RequestWriter();
    if (processFile != null) {
      out.add(Field.PROCESS, processFile.bytes(), 0, processFile.length());
      return new ExecService(out, terminal);
    }
    all(out, "--env=", request.env());
    one(out, "--cwd=", request.cwd());
    one(out, "--user=", request.user());
    for (Long gid : request.additionalGids()) {
      out.add(Field.ARGUMENT, "--additional-gids=" + gid);
    }
    all(out, "--cap=", request.capabilities());
    if (request.noNewPrivileges()) {
      out.add(Field.ARGUMENT, "--no-new-privs");
    }
    if (request.terminal()) {
      out.add(Field.ARGUMENT, "--tty");
    }
    out.add(Field.ARGUMENT, "--");
    all(out, "", request.args());
    return new ExecService(out, terminal);
  }

  private static void all(RequestWriter out, String flag, List<String> values) {
    for (String value : values) {
      out.add(Field.ARGUMENT, flag + value);
    }
  }

  private static void one(RequestWriter out, String flag, @Nullable String value) {
    if (value != null) {
      out.add(Field.ARGUMENT, flag + value);
    }
  }

  private record TemporaryLines(String kernels) implements Qemu.Lines {
    @Override
    public List<String> files(int socket) {
      return List.of(
          "/usr/lib/qemu/virtiofsd",
          "--fd=" + socket,
          "-o",
          "source=" + MicroVmSandbox.ROOT_AT,
          "-o",
          "sandbox=chroot",
          "-o",
          "xattr",
          "-o",
          "cache=auto",
          "-o",
          "announce_submounts");
    }

    @Override
    public List<String> machine(int control, int console, String filesSocket, List<Qemu.Nic> nics) {
      List<String> out = new ArrayList<>();
      for (int i = 0; i < nics.size(); i++) {
        out.add("-netdev");
        out.add("tap,id=n" + i + ",fd=" + nics.get(i).tap() + ",vhost=off");
        out.add("-device");
        out.add("virtio-net-device,netdev=n" + i + ",mac=" + nics.get(i).mac());
      }
      out.addAll(0, machine(control, console, filesSocket));
      return out;
    }

    private List<String> machine(int control, int console, String filesSocket) {
      return List.of(
          "/usr/bin/qemu-system-x86_64",
          "-M",
          "microvm,memory-backend=m0",
          "-bios",
          "/usr/share/qemu/qboot.rom",
          "-accel",
          "tcg",
          "-cpu",
          "qemu64",
          "-m",
          "256",
          "-nodefaults",
          "-no-user-config",
          "-display",
          "none",
          "-no-reboot",
          "-global",
          "virtio-mmio.force-legacy=off",
          "-kernel",
          kernels + "/vmlinux",
          "-initrd",
          kernels + "/initrd",
          "-append",
          "console=ttyS0 quiet reboot=t panic=-1 cryptomgr.notests tsc=reliable no_timer_check"
              + " tsc_early_khz=2445000 random.trust_cpu=on net.ifnames=0 rdinit=/init",
          "-object",
          "memory-backend-memfd,id=m0,size=256M,share=on",
          "-chardev",
          "socket,id=ctl,fd=" + control,
          "-device",
          "virtio-serial-device,id=vs0,max_ports=2",
          "-device",
          "virtserialport,bus=vs0.0,chardev=ctl,name=dev.coracle.vm,nr=1",
          "-add-fd",
          "fd=" + console + ",set=1",
          "-chardev",
          "file,id=con,path=/dev/fdset/1,append=on",
          "-serial",
          "chardev:con",
          "-chardev",
          "socket,id=vfs,path=" + filesSocket,
          "-device",
          "vhost-user-fs-device,chardev=vfs,tag=root,queue-size=1024",
          "-sandbox",
          "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
    }
  }
}
