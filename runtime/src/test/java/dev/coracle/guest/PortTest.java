package dev.coracle.guest;

import static dev.coracle.abi.Fcntl.O_NONBLOCK;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.abi.Bytes;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import java.lang.reflect.Proxy;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** How the agent finds its port. */
class PortTest {
  private static final int FIRST_FD = 10;

  /** Each object that the kernel was given. */
  private final Set<Object> given = Collections.newSetFromMap(new IdentityHashMap<>());

  private final Map<String, String> files = new HashMap<>();
  private final Map<Integer, String> open = new HashMap<>();
  private int pauses;
  private int comesAfter;

  private Kernel kernel() {
    return (Kernel)
        Proxy.newProxyInstance(
            Kernel.class.getClassLoader(),
            new Class<?>[] {Kernel.class},
            (proxy, method, args) ->
                switch (method.getName()) {
                  case "openat2" -> open((String) args[1], (long) args[2]);
                  case "read" -> read((int) args[0], (byte[]) args[1]);
                  case "close" -> open.remove((int) args[0]) == null ? (long) -Errno.EBADF : 0L;
                  case "poll" -> pause((int[]) args[0], (short[]) args[1]);
                  default -> throw new UnsupportedOperationException(method.getName());
                });
  }

  private long open(String path, long flags) {
    given.add(path);
    if (pauses < comesAfter || !files.containsKey(path)) {
      return -Errno.ENOENT;
    }
    assertThat((flags & O_NONBLOCK) != 0).isEqualTo(path.startsWith("/dev/"));
    int fd = FIRST_FD;
    while (open.containsKey(fd)) {
      fd++;
    }
    open.put(fd, path);
    return fd;
  }

  private long read(int fd, byte[] buffer) {
    given.add(buffer);
    byte[] text = Bytes.utf8(files.getOrDefault(open.get(fd), ""));
    int n = Math.min(text.length, buffer.length);
    System.arraycopy(text, 0, buffer, 0, n);
    return n;
  }

  private long pause(int[] fds, short[] events) {
    given.add(fds);
    given.add(events);
    pauses++;
    return 0;
  }

  private PortTest port(String device, String name) {
    files.put("/sys/class/virtio-ports/" + device + "/name", name);
    files.put("/dev/" + device, "");
    return this;
  }

  @Test
  void itIsFoundAmongOthersByItsWholeName() {
    port("vport0p1", "org.qemu.guest_agent.0\n").port("vport1p3", "dev.coracle.vm2\n");
    port("vport2p1", "dev.coracle\n").port("vport3p7", "dev.coracle.vm\n");
    long fd = Port.open(kernel(), Port.NAME, O_NONBLOCK);
    assertThat(open).containsOnly(Map.entry((int) fd, "/dev/vport3p7"));
    assertThat(pauses).isZero();
  }

  @Test
  void itMayComeLater() {
    comesAfter = 400;
    port("vport0p1", "dev.coracle.vm\n");
    assertThat(open.get((int) Port.open(kernel(), Port.NAME, O_NONBLOCK)))
        .isEqualTo("/dev/vport0p1");
    assertThat(pauses).isEqualTo(400);
  }

  /** Nothing is freed in the guest: what each try allocated would stay. */
  @Test
  void lookingForItTakesNoMemory() {
    port("vport0p1", "another\n");
    assertThat(Port.open(kernel(), Port.NAME, O_NONBLOCK)).isEqualTo(-Errno.ENODEV);
    assertThat(pauses).isEqualTo(600);
    // A path for each of 28 ports, one buffer, and what poll(2) is given.
    assertThat(given).hasSize(28 + 1 + 2);
    assertThat(open).isEmpty();
  }
}
