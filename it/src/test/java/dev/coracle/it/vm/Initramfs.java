package dev.coracle.it.vm;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** An initramfs with the agent and its modules (cpio, format newc). */
final class Initramfs {
  private static final int FILE = 0100755;
  private static final int DIRECTORY = 040755;

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private int inode;

  private Initramfs() {}

  /**
   * Writes one.
   *
   * @param agent our binary
   * @param modules a directory of modules, with a file {@code list} of their names in order
   */
  static void write(Path to, Path agent, Path modules) throws IOException {
    Initramfs archive = new Initramfs();
    archive.put("init", FILE, Files.readAllBytes(agent));
    archive.put("m", DIRECTORY, new byte[0]);
    List<String> names = Files.readAllLines(modules.resolve("list"));
    StringBuilder list = new StringBuilder();
    for (String name : names) {
      archive.put("m/" + name, FILE, Files.readAllBytes(modules.resolve(name)));
      list.append("/m/").append(name).append('\n');
    }
    archive.put("modules", FILE, list.toString().getBytes(StandardCharsets.UTF_8));
    archive.put("TRAILER!!!", 0, new byte[0]);
    Files.write(to, archive.out.toByteArray());
  }

  private void put(String name, int mode, byte[] content) {
    byte[] text = (name + "\0").getBytes(StandardCharsets.UTF_8);
    int[] fields = {++inode, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, text.length, 0};
    StringBuilder header = new StringBuilder("070701");
    for (int field : fields) {
      header.append(String.format(Locale.ROOT, "%08X", field));
    }
    out.writeBytes(header.toString().getBytes(StandardCharsets.US_ASCII));
    out.writeBytes(text);
    align();
    out.writeBytes(content);
    align();
  }

  private void align() {
    while (out.size() % 4 != 0) {
      out.write(0);
    }
  }
}
