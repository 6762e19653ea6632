package dev.coracle.it.vm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.vm.Guest.Request;
import dev.coracle.it.vm.Guest.Stream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A machine from its start to its end: the container's first process, and what it runs in. */
@Tag("vm")
class FirstProcessIT {
  @TempDir Path directory;
  private Path root = Path.of("");

  @BeforeEach
  void makeRoot() throws Exception {
    root = GuestRoot.make(directory.resolve("root"));
  }

  private Guest boot(String... more) throws Exception {
    return Guest.boot(directory.resolve("vm"), root, more);
  }

  @Test
  void itsEndIsTheMachines() throws Exception {
    try (Guest guest = boot()) {
      String script =
          "trap 'echo term; exit 77' TERM; echo up; echo warm >&2; while :; do sleep 0.1; done";
      guest.setUp(GuestConfig.of("sh", "-c", script), new Request());
      Stream first = guest.first();
      guest.await("the trap", () -> first.output().equals("up\n"));
      int other = guest.exec("--", "sleep", "500");
      guest.await("another process", () -> guest.session(other).pid > 0);
      guest.send(Guest.SIGNAL, 1, Guest.ints(15));
      guest.end(1);
      assertThat(first.status).isEqualTo(77);
      assertThat(first.output()).isEqualTo("up\nterm\n");
      assertThat(first.errors()).isEqualTo("warm\n");
      assertThat(guest.session(other).status).isEqualTo(137);
      assertThat(guest.powerOff()).isZero();
    }
  }

  @Test
  void aProgramThatIsMissing() throws Exception {
    try (Guest guest = boot()) {
      guest.setUp(GuestConfig.of("no-such-program"), new Request());
      guest.first();
      assertThat(guest.end(1).status).isEqualTo(127);
      assertThat(guest.session(1).failure).contains("executable file not found in $PATH");
      assertThat(guest.powerOff()).isZero();
    }
  }

  @Test
  void aTerminal() throws Exception {
    try (Guest guest = boot()) {
      guest.setUp(
          GuestConfig.of(true, "", "sh", "-c", "stty size; tty; read x; exit 4"), new Request());
      guest.start(1, new Request().add(Guest.TERMINAL_FIELD, Guest.terminal(31, 99, true)));
      Stream first = guest.session(1);
      guest.await("the size", () -> first.output().equals("31 99\n/dev/pts/0\n"));
      guest.send(Guest.INPUT, 1, new byte[] {'\r'});
      assertThat(guest.end(1).status).isEqualTo(4);
      assertThat(guest.powerOff()).isZero();
    }
  }

  @Test
  void whatTheHostBindsBelowATmpfsIsSeen() throws Exception {
    Files.createDirectories(root.resolve("run/secrets"));
    Files.writeString(root.resolve("run/secrets/key"), "secret\n");
    String mounts =
        ",{\"destination\":\"/run\",\"type\":\"tmpfs\",\"source\":\"tmpfs\",\"options\":[\"mode=755\"]}"
            + ",{\"destination\":\"/run/secrets\",\"type\":\"bind\",\"source\":\"/host\",\"options\":[\"rbind\",\"ro\"]}"
            + ",{\"destination\":\"/data\",\"type\":\"bind\",\"source\":\"/host\",\"options\":[\"rbind\"]}";
    try (Guest guest = boot()) {
      String script =
          "cat /run/secrets/key; ls /run; touch /run/secrets/x; echo written > /data/file";
      guest.setUp(GuestConfig.of(false, mounts, "sh", "-c", script), new Request());
      guest.first();
      assertThat(guest.end(1).output()).isEqualTo("secret\nsecrets\n");
      assertThat(guest.session(1).errors()).contains("Read-only file system");
      assertThat(Files.readString(root.resolve("data/file"))).isEqualTo("written\n");
    }
  }

  @Test
  void anInterfaceAndADisk() throws Exception {
    Path disk = directory.resolve("disk");
    run("truncate", "-s", "16M", disk.toString());
    run("/sbin/mkfs.ext4", "-q", disk.toString());
    try (Guest guest =
        boot(
            "-netdev",
            "hubport,id=n0,hubid=0",
            "-device",
            "virtio-net-device,netdev=n0,mac=02:42:0a:00:02:03",
            "-drive",
            "file=" + disk + ",if=none,id=d0,format=raw",
            "-device",
            "virtio-blk-device,drive=d0,serial=data")) {
      Request more =
          new Request()
              .add(
                  Guest.LINK_FIELD,
                  "02420a000203 net0 1400\naddress 0a000203/24\n"
                      + "address fd000000000000000000000000000002/64\n"
                      + "route 00000000/0 0a000201 0 100")
              .add(Guest.DISK_FIELD, "data /disks/data ext4 nosuid")
              .add(Guest.OPTION_FIELD, "sysctl.vm.swappiness=11");
      String script =
          "ip -o addr show net0; ip route; cat /sys/class/net/net0/mtu; grep /disks/data /proc/mounts;"
              + " echo kept > /disks/data/file; cat /proc/sys/vm/swappiness";
      guest.setUp(GuestConfig.of("sh", "-c", script), more);
      guest.first();
      String output = guest.end(1).output();
      assertThat(output)
          .contains("inet 10.0.2.3/24 brd 10.0.2.255", "inet6 fd00::2/64", "1400\n", "\n11\n")
          .contains("default via 10.0.2.1 dev net0", "metric 100", "/disks/data ext4 rw,nosuid");
      assertThat(guest.powerOff()).isZero();
    }
    // Unmounted in order: nothing is to be mended.
    assertThat(run("/sbin/debugfs", "-R", "cat /file", disk.toString())).contains("kept");
    assertThat(run("/sbin/dumpe2fs", "-h", disk.toString())).doesNotContain("needs_recovery");
  }

  private static String run(String... command) throws Exception {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output =
        new String(
            process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
    return output;
  }

  @Test
  void aMachineThatCannotBeSetUp() throws Exception {
    try (Guest guest = boot()) {
      guest.start(
          0, new Request().add(Guest.NAME_FIELD, "c").add(Guest.ROOT_FIELD, "virtiofs:nothing"));
      guest.end(0);
      assertThat(guest.session(0).failure).contains("mount the root filesystem");
      assertThat(guest.powerOff()).isZero();
    }
  }

  @Test
  void aHostThatBreaksTheProtocol() throws Exception {
    try (Guest guest = boot()) {
      guest.send(99, 0, new byte[0]);
      assertThat(guest.powerOff()).isZero();
      assertThat(guest.console())
          .contains("the host broke the protocol: a frame of unknown type 99");
    }
  }
}
