package dev.coracle.it.vm;

import dev.coracle.it.harness.Poll;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** A virtual machine with our agent, and a double of the monitor (docs/vm-protocol.md). */
final class Guest implements AutoCloseable {
  static final int HELLO = 1;
  static final int REQUEST = 2;
  static final int START = 3;
  static final int READY = 4;
  static final int STARTED = 5;
  static final int FAILED = 6;
  static final int INPUT = 7;
  static final int INPUT_END = 8;
  static final int OUTPUT = 9;
  static final int ERRORS = 10;
  static final int CREDIT = 11;
  static final int EXIT = 12;
  static final int SIGNAL = 13;
  static final int RESIZE = 14;
  static final int CLOSE = 15;
  static final int WARNING = 16;
  static final int RESEED = 17;

  static final int CONFIG_FIELD = 1;
  static final int CLOCK_FIELD = 2;
  static final int SEED_FIELD = 3;
  static final int ROOT_FIELD = 4;
  static final int LINK_FIELD = 5;
  static final int DISK_FIELD = 6;
  static final int ARGUMENT_FIELD = 9;
  static final int PROCESS_FIELD = 10;
  static final int TERMINAL_FIELD = 11;
  static final int OPTION_FIELD = 12;
  static final int NAME_FIELD = 13;

  private static final int HEADER = 12;
  private static final int MOST = 16384;
  private static final int WINDOW = 65536;
  private static final int FIRST_EXEC = 2;
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final Path directory;
  private final Process files;
  private final Process machine;
  private final SocketChannel port;
  private final Map<Integer, Stream> sessions = new ConcurrentHashMap<>();
  private final AtomicInteger next = new AtomicInteger(FIRST_EXEC);
  private final List<String> warnings = new ArrayList<>();
  private volatile @Nullable String hello;
  private volatile boolean ready;
  private volatile boolean over;
  private volatile @Nullable String defect;

  /** What has come of a session. */
  static final class Stream {
    final ByteArrayOutputStream out = new ByteArrayOutputStream();
    final ByteArrayOutputStream err = new ByteArrayOutputStream();
    private final int[] used = new int[3];
    volatile boolean read = true;
    volatile int pid;
    volatile int status = -1;
    volatile @Nullable String failure;
    final AtomicInteger inputCredit = new AtomicInteger(WINDOW);

    boolean isOver() {
      return status >= 0;
    }

    synchronized String output() {
      return out.toString(StandardCharsets.UTF_8);
    }

    synchronized String errors() {
      return err.toString(StandardCharsets.UTF_8);
    }
  }

  private Guest(Path directory, Process files, Process machine, SocketChannel port) {
    this.directory = directory;
    this.files = files;
    this.machine = machine;
    this.port = port;
  }

  /**
   * Boots one.
   *
   * @param root served by virtiofsd
   * @param more arguments of QEMU
   */
  static Guest boot(Path directory, Path root, String... more) throws Exception {
    Path kernel = Path.of(System.getProperty("coracle.it.vm", ""));
    Files.createDirectories(directory);
    Path initramfs = directory.resolve("initrd");
    Initramfs.write(
        initramfs, Path.of(System.getProperty("coracle.runtime")), kernel.resolve("modules"));
    Path filesSocket = directory.resolve("files");
    Process files =
        start(
            directory.resolve("files.log"),
            List.of(
                "/usr/lib/qemu/virtiofsd",
                "--socket-path=" + filesSocket,
                "-o",
                "source=" + root,
                "-o",
                "sandbox=chroot",
                "-o",
                "xattr",
                "-o",
                "cache=auto",
                "-o",
                "announce_submounts"));
    Poll.until("virtiofsd listens", () -> Files.exists(filesSocket));
    UnixDomainSocketAddress address = UnixDomainSocketAddress.of(directory.resolve("port"));
    try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(address);
      List<String> command = new ArrayList<>(qemu(kernel, initramfs, directory));
      command.addAll(List.of(more));
      Process machine = start(directory.resolve("qemu.log"), command);
      Guest guest = new Guest(directory, files, machine, server.accept());
      Thread reader = new Thread(guest::readAll, "guest");
      reader.setDaemon(true);
      reader.start();
      guest.await("HELLO", () -> guest.hello != null);
      return guest;
    }
  }

  private static List<String> qemu(Path kernel, Path initramfs, Path directory) throws IOException {
    return List.of(
        "qemu-system-x86_64",
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
        kernel.resolve("vmlinux").toString(),
        "-initrd",
        initramfs.toString(),
        "-append",
        "console=ttyS0 quiet reboot=t panic=-1 cryptomgr.notests tsc=reliable no_timer_check"
            + " random.trust_cpu=on net.ifnames=0 tsc_early_khz="
            + cpuKhz(),
        "-object",
        "memory-backend-memfd,id=m0,size=256M,share=on",
        "-chardev",
        "socket,id=ctl,path=" + directory.resolve("port"),
        "-device",
        "virtio-serial-device,id=vs0,max_ports=2",
        "-device",
        "virtserialport,bus=vs0.0,chardev=ctl,name=dev.coracle.vm,nr=1",
        "-chardev",
        "file,id=con,path=" + directory.resolve("console"),
        "-serial",
        "chardev:con",
        "-chardev",
        "socket,id=vfs,path=" + directory.resolve("files"),
        "-device",
        "vhost-user-fs-device,chardev=vfs,tag=root,queue-size=1024");
  }

  /** Under emulation the guest's time stamp counter is the host's, and nothing else tells time. */
  private static long cpuKhz() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/cpuinfo"))) {
      if (line.startsWith("cpu MHz")) {
        return Math.round(Double.parseDouble(line.substring(line.indexOf(':') + 1)) * 1000);
      }
    }
    throw new IOException("/proc/cpuinfo does not say how fast the processor is");
  }

  private static Process start(Path log, List<String> command) throws IOException {
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(log.toFile())
        .start();
  }

  // --- what the guest says ---

  private void readAll() {
    ByteBuffer in = ByteBuffer.allocate(2 * (HEADER + MOST)).order(ByteOrder.LITTLE_ENDIAN);
    try {
      while (port.read(in) >= 0) {
        in.flip();
        while (in.remaining() >= HEADER && in.remaining() >= HEADER + in.getInt(in.position())) {
          byte[] payload = new byte[in.getInt()];
          int type = in.getShort();
          in.getShort();
          int session = in.getInt();
          in.get(payload);
          take(type, session, ByteBuffer.wrap(payload).order(ByteOrder.LITTLE_ENDIAN));
        }
        in.compact();
      }
    } catch (IOException | RuntimeException e) {
      if (!over) {
        defect = e.toString();
      }
    }
    over = true;
  }

  private void take(int type, int session, ByteBuffer payload) throws IOException {
    switch (type) {
      case HELLO -> {
        int version = payload.getInt();
        hello = version + " " + text(payload);
      }
      case READY -> ready = true;
      case WARNING -> {
        synchronized (warnings) {
          warnings.add(text(payload));
        }
      }
      default -> take(session(session), type, session, payload);
    }
  }

  private static String text(ByteBuffer payload) {
    byte[] bytes = new byte[payload.remaining()];
    payload.get(bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  Stream session(int number) {
    return sessions.computeIfAbsent(number, n -> new Stream());
  }

  private void take(Stream s, int type, int session, ByteBuffer payload) throws IOException {
    switch (type) {
      case STARTED -> s.pid = payload.getInt();
      case OUTPUT, ERRORS -> takeBytes(s, type == OUTPUT ? 1 : 2, session, payload);
      case CREDIT -> s.inputCredit.addAndGet(payload.getInt());
      case EXIT -> s.status = payload.getInt();
      case FAILED -> {
        int status = payload.getInt();
        s.failure = text(payload);
        s.status = status;
      }
      default -> throw new IOException("a frame of type " + type);
    }
  }

  private void takeBytes(Stream s, int stream, int session, ByteBuffer payload) throws IOException {
    int length = payload.remaining();
    s.used[stream] += length;
    if (s.used[stream] > WINDOW) {
      throw new IOException("session " + session + " sent without credit");
    }
    byte[] bytes = new byte[length];
    payload.get(bytes);
    synchronized (s) {
      (stream == 1 ? s.out : s.err).writeBytes(bytes);
    }
    if (s.read && s.used[stream] >= WINDOW / 2) {
      send(CREDIT, session, ints(s.used[stream], stream));
      s.used[stream] = 0;
    }
  }

  // --- what the host says ---

  static byte[] ints(int... numbers) {
    ByteBuffer out = ByteBuffer.allocate(4 * numbers.length).order(ByteOrder.LITTLE_ENDIAN);
    for (int number : numbers) {
      out.putInt(number);
    }
    return out.array();
  }

  static byte[] shorts(int first, int second) {
    return ByteBuffer.allocate(4)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putShort((short) first)
        .putShort((short) second)
        .array();
  }

  /** What is told of a terminal. */
  static byte[] terminal(int rows, int columns, boolean leavesLinesAlone) {
    byte[] out = java.util.Arrays.copyOf(shorts(rows, columns), 5);
    out[4] = (byte) (leavesLinesAlone ? 1 : 0);
    return out;
  }

  synchronized void send(int type, int session, byte[] payload) {
    ByteBuffer frame =
        ByteBuffer.allocate(HEADER + payload.length)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putInt(payload.length)
            .putShort((short) type)
            .putShort((short) 0)
            .putInt(session)
            .put(payload)
            .flip();
    try {
      while (frame.hasRemaining()) {
        port.write(frame);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A request, field by field. */
  static final class Request {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    Request add(int tag, byte[] bytes) {
      out.write(tag);
      out.writeBytes(ints(bytes.length));
      out.writeBytes(bytes);
      return this;
    }

    Request add(int tag, String text) {
      return add(tag, text.getBytes(StandardCharsets.UTF_8));
    }
  }

  void request(int session, byte[] bytes) {
    for (int at = 0; at < bytes.length; at += MOST) {
      int length = Math.min(MOST, bytes.length - at);
      byte[] piece = new byte[length];
      System.arraycopy(bytes, at, piece, 0, length);
      send(REQUEST, session, piece);
    }
  }

  void start(int session, Request request) {
    request(session, request.out.toByteArray());
    send(START, session, new byte[0]);
  }

  /** Sets the machine up for a container. */
  Guest setUp(String config, Request more) {
    Request request =
        new Request()
            .add(NAME_FIELD, "container")
            .add(CONFIG_FIELD, config)
            .add(
                CLOCK_FIELD,
                ByteBuffer.allocate(8)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putLong(System.currentTimeMillis() * 1_000_000)
                    .array())
            .add(SEED_FIELD, new byte[64])
            .add(ROOT_FIELD, "virtiofs:root");
    request.out.writeBytes(more.out.toByteArray());
    start(0, request);
    await("READY", () -> ready || session(0).isOver());
    return this;
  }

  /** Tells the machine what is new after it was restored. */
  void reseed(long nanos, String option) {
    byte[] more = new Request().add(OPTION_FIELD, option).out.toByteArray();
    send(
        RESEED,
        0,
        ByteBuffer.allocate(40 + more.length)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(nanos)
            .position(40)
            .put(more)
            .array());
  }

  /** Starts the container's first process. */
  Stream first() {
    start(1, new Request());
    return session(1);
  }

  /** Starts another process by the arguments of {@code exec}. */
  int exec(String... arguments) {
    int number = next.getAndIncrement();
    Request request = new Request();
    for (String argument : arguments) {
      request.add(ARGUMENT_FIELD, argument);
    }
    start(number, request);
    return number;
  }

  int nextSession() {
    return next.getAndIncrement();
  }

  /** Runs a process without input to its end. */
  Stream run(String... arguments) {
    int number = exec(arguments);
    send(INPUT_END, number, new byte[0]);
    return end(number);
  }

  /** Waits for the end of a session. */
  Stream end(int number) {
    await("the end of session " + number, session(number)::isOver);
    return session(number);
  }

  void await(String what, java.util.function.BooleanSupplier condition) {
    Poll.until(
        what,
        PATIENCE,
        () -> {
          String broken = defect;
          if (broken != null) {
            throw new AssertionError(what + ": " + broken + ": " + console());
          }
          if (over && !condition.getAsBoolean()) {
            throw new AssertionError(what + ": the guest has ended: " + console());
          }
          return condition.getAsBoolean();
        });
  }

  String hello() {
    return String.valueOf(hello);
  }

  boolean isReady() {
    return ready;
  }

  List<String> warnings() {
    synchronized (warnings) {
      return List.copyOf(warnings);
    }
  }

  List<String> takeWarnings() {
    synchronized (warnings) {
      List<String> out = List.copyOf(warnings);
      warnings.clear();
      return out;
    }
  }

  /** What the guest has said on its console. */
  String console() {
    try {
      return Files.readString(directory.resolve("console"));
    } catch (IOException e) {
      return e.toString();
    }
  }

  /** Waits until the machine has powered itself off, and returns QEMU's exit status. */
  int powerOff() throws InterruptedException {
    if (!machine.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
      throw new AssertionError("the guest does not power off: " + console());
    }
    return machine.exitValue();
  }

  @Override
  public void close() throws IOException {
    over = true;
    machine.destroyForcibly().onExit().join();
    files.destroyForcibly().onExit().join();
    port.close();
  }
}
