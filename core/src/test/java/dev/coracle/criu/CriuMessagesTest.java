package dev.coracle.criu;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * The bytes are those that protoc --encode makes of rpc.proto and the text beside them, but that it
 * sorts fields by their numbers, and we have them in the order in which they were set.
 */
class CriuMessagesTest {

  @Test
  void simpleRequests() {
    assertThat(hex(CriuRequest.version())).isEqualTo("080a");
    assertThat(hex(CriuRequest.notified())).isEqualTo("08061801");
    assertThat(hex(CriuRequest.features())).isEqualTo("08092a0408011001");
  }

  /** type: DUMP opts { images_dir_fd: 5 log_level: 4 pid: 300 leave_running: true root: "/r" } */
  @Test
  void options() {
    CriuRequest request = new CriuRequest(CriuRequest.Type.DUMP, 5, 4);
    request.pid(300);
    request.set(CriuRequest.Flag.LEAVE_RUNNING, true);
    request.set(CriuRequest.Flag.SHELL_JOB, false);
    request.set(CriuRequest.Text.ROOT, "/r");
    request.set(CriuRequest.Text.PARENT_IMG, null);
    assertThat(hex(request.bytes())).isEqualTo("0801120d0805480410ac0218016a022f72");
  }

  /** ext_mnt { key: "/a" val: "/b" } inherit_fd { key: "pipe:[1]" fd: 1 } empty_ns: 0x40000000 */
  @Test
  void messagesInMessages() {
    CriuRequest request = new CriuRequest(CriuRequest.Type.RESTORE, 3, 4);
    request.externalMount("/a", "/b");
    request.inherit("pipe:[1]", 1);
    request.emptyNamespaces(0x40000000L);
    assertThat(hex(request.bytes()))
        .isEqualTo(
            "0802122508034804ba01080a022f6112022f62da010c0a08706970653a5b315d1001b0028080808004");
  }

  /** type: NOTIFY success: true notify { script: "post-restore" pid: 4711 } */
  @Test
  void notifications() {
    CriuResponse r = read("0806" + "1001" + "2a11" + "0a0c706f73742d726573746f7265" + "10e724");
    assertThat(r).isEqualTo(new CriuResponse(6, true, "post-restore", 4711, 0, "", 0, 0));
  }

  /** type: DUMP success: false cr_errno: 3 cr_errmsg: "no" and a field of a newer criu */
  @Test
  void failures() {
    CriuResponse r = read("0801" + "1000" + "3803" + "4a026e6f" + "c20c03616263");
    assertThat(r).isEqualTo(new CriuResponse(1, false, "", 0, 3, "no", 0, 0));
  }

  /** type: VERSION success: true version { major_number: 4 minor_number: 2 sublevel: 1 } */
  @Test
  void versions() {
    CriuResponse r = requireNonNull(read("080a" + "1001" + "5206" + "0804" + "1002" + "2001"));
    assertThat(r.version()).isEqualTo(40201);
  }

  /** type: FEATURE_CHECK success: true features { mem_track: false lazy_pages: true } */
  @Test
  void features() {
    CriuResponse r = requireNonNull(read("0809" + "1001" + "4204" + "0800" + "1001"));
    assertThat(r.features()).isEqualTo(CriuResponse.LAZY_PAGES);
  }

  @Test
  void brokenMessagesAreNone() {
    assertThat(read("08")).isNull();
    assertThat(read("2aff01")).isNull();
    assertThat(read("0f")).isNull();
    Random random = new Random(1);
    for (int i = 0; i < 10_000; i++) {
      byte[] bytes = new byte[random.nextInt(40)];
      random.nextBytes(bytes);
      CriuResponse ignored = CriuResponse.read(bytes, bytes.length);
      assertThat(ignored == null || ignored.script().length() < 80).isTrue();
    }
  }

  private static @org.jspecify.annotations.Nullable CriuResponse read(String hex) {
    byte[] bytes = HexFormat.of().parseHex(hex);
    return CriuResponse.read(bytes, bytes.length);
  }

  private static String hex(byte[] bytes) {
    return HexFormat.of().formatHex(bytes);
  }
}
