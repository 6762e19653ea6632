package dev.coracle.vm;

import dev.coracle.abi.Bytes;

/**
 * What is said to QEMU's monitor, a line each, and the answers to it (QEMU's "Machine Protocol").
 * Each command has a number as its id, so that its answer is known by it; events stand in between.
 */
public final class Qmp {
  private Qmp() {}

  /** The first command: without it no other is heard. */
  public static byte[] capabilities(int id) {
    return command("qmp_capabilities", id, "");
  }

  /** The guest stands still. */
  public static byte[] stop(int id) {
    return command("stop", id, "");
  }

  /** It goes on. */
  public static byte[] cont(int id) {
    return command("cont", id, "");
  }

  /** QEMU ends, whatever the guest does. */
  public static byte[] quit(int id) {
    return command("quit", id, "");
  }

  /** The guest is asked to shut down. */
  public static byte[] systemPowerdown(int id) {
    return command("system_powerdown", id, "");
  }

  /** How the guest is: the answer has {@code "running"} and {@code "status"}. */
  public static byte[] queryStatus(int id) {
    return command("query-status", id, "");
  }

  /** How far a migration is: the answer has {@code "status"}. */
  public static byte[] queryMigrate(int id) {
    return command("query-migrate", id, "");
  }

  /** Names the descriptor that is sent along with this command (SCM_RIGHTS). */
  public static byte[] getfd(int id, String name) {
    return command("getfd", id, "\"fdname\":\"" + word(name) + "\"");
  }

  /** Whether memory that is in a shared file is left out of the state. */
  public static byte[] ignoreSharedMemory(int id, boolean ignored) {
    return command(
        "migrate-set-capabilities",
        id,
        "\"capabilities\":[{\"capability\":\"x-ignore-shared\",\"state\":" + ignored + "}]");
  }

  /** Writes the machine's state to a descriptor that was given by {@link #getfd}. */
  public static byte[] migrate(int id, String name) {
    return command("migrate", id, "\"uri\":\"fd:" + word(name) + "\"");
  }

  /** Ends a migration that is going on, if one is. */
  public static byte[] migrateCancel(int id) {
    return command("migrate_cancel", id, "");
  }

  /** Reads it. */
  public static byte[] migrateIncoming(int id, String name) {
    return command("migrate-incoming", id, "\"uri\":\"fd:" + word(name) + "\"");
  }

  /**
   * Adds a device.
   *
   * @param properties names and values, one after the other
   */
  public static byte[] deviceAdd(int id, String driver, String... properties) {
    StringBuilder arguments = new StringBuilder("\"driver\":\"").append(word(driver)).append('"');
    for (int i = 0; i + 1 < properties.length; i += 2) {
      arguments.append(",\"").append(word(properties[i])).append("\":\"");
      arguments.append(word(properties[i + 1])).append('"');
    }
    return command("device_add", id, arguments.toString());
  }

  private static byte[] command(String name, int id, String arguments) {
    String with = arguments.isEmpty() ? "" : ",\"arguments\":{" + arguments + "}";
    return Bytes.utf8("{\"execute\":\"" + name + "\",\"id\":" + id + with + "}\n");
  }

  /** A text of ours in which nothing must be escaped; anything else is a bug. */
  private static String word(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c < ' ' || c == '"' || c == '\\' || c > '~') {
        throw new IllegalArgumentException("no word for QEMU: " + text);
      }
    }
    return text;
  }
}
