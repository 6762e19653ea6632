package dev.coracle.it.vm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.vm.Guest.Request;
import dev.coracle.it.vm.Guest.Stream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Processes in one machine that runs: what an exec asks for, and what it may not disturb. */
@Tag("vm")
class AgentIT {
  @TempDir static Path directory;
  private static Guest guest;

  @BeforeAll
  static void boot() throws Exception {
    Path root = GuestRoot.make(directory.resolve("root"));
    guest = Guest.boot(directory.resolve("vm"), root);
    guest.setUp(GuestConfig.of("sleep", "1000"), new Request());
    Stream first = guest.first();
    guest.await("STARTED", () -> first.pid > 0);
  }

  @AfterAll
  static void end() throws Exception {
    guest.close();
  }

  private static Stream shell(String script) {
    return guest.run("--", "sh", "-c", script);
  }

  @Test
  void theFirstWordIsTheVersionAndTheKernel() {
    assertThat(guest.hello()).startsWith("1 6.");
    assertThat(guest.warnings()).isEmpty();
  }

  @Test
  void outputAndErrorsStayApart() {
    Stream s = shell("echo out; echo err >&2; exit 42");
    assertThat(s.output()).isEqualTo("out\n");
    assertThat(s.errors()).isEqualTo("err\n");
    assertThat(s.status).isEqualTo(42);
  }

  @Test
  void exitStatuses() {
    assertThat(shell("exit 0").status).isZero();
    assertThat(shell("kill -9 $$").status).isEqualTo(137);
    assertThat(shell("kill -TERM $$").status).isEqualTo(143);
  }

  @Test
  void aProgramThatCannotBeExecuted() {
    Stream missing = guest.run("--", "no-such-program");
    assertThat(missing.status).isEqualTo(127);
    assertThat(missing.failure).contains("executable file not found in $PATH");
    assertThat(guest.run("--", "/no/such").status).isEqualTo(127);
    assertThat(guest.run("--", "/bin").status).isEqualTo(126);
    assertThat(guest.run("--", "/etc/passwd").status).isEqualTo(126);
  }

  @Test
  void nothingIsLostAtTheEnd() {
    String wanted =
        IntStream.rangeClosed(1, 2000).mapToObj(i -> i + "\n").collect(Collectors.joining());
    for (int i = 0; i < 3; i++) {
      assertThat(shell("for i in $(seq 2000); do echo $i; done").output()).isEqualTo(wanted);
    }
    assertThat(guest.run("--", "seq", "50000").output())
        .endsWith("\n49999\n50000\n")
        .hasSize(288894);
  }

  @Test
  void whoHoldsTheOutputDelaysNoEnd() {
    Stream quiet = shell("sleep 500 & echo out");
    assertThat(quiet.output()).isEqualTo("out\n");
    Stream loud = shell("yes & exit 3");
    assertThat(loud.status).isEqualTo(3);
  }

  @Test
  void inputWithItsEnd() {
    int number = guest.exec("--", "sh", "-c", "cat; echo end");
    guest.send(Guest.INPUT, number, "some\n".getBytes(StandardCharsets.UTF_8));
    guest.send(Guest.INPUT_END, number, new byte[0]);
    assertThat(guest.end(number).output()).isEqualTo("some\nend\n");
  }

  @Test
  void muchInputByItsCredit() {
    byte[] bytes = new byte[200_000];
    new Random(1).nextBytes(bytes);
    int number = guest.exec("--", "sh", "-c", "sleep 0.3; exec cat");
    Stream s = guest.session(number);
    int sent = 0;
    while (sent < bytes.length) {
      int at = sent;
      guest.await("credit", () -> s.inputCredit.get() > at);
      int length = Math.min(Math.min(s.inputCredit.get() - sent, 16384), bytes.length - sent);
      byte[] piece = java.util.Arrays.copyOfRange(bytes, sent, sent + length);
      guest.send(Guest.INPUT, number, piece);
      sent += length;
    }
    guest.send(Guest.INPUT_END, number, new byte[0]);
    assertThat(guest.end(number).out.toByteArray()).isEqualTo(bytes);
  }

  @Test
  void userDirectoryAndEnvironment() {
    Stream s =
        guest.run(
            "--user=1000:1001",
            "--cwd=/tmp",
            "--env=NAME=value",
            "--",
            "sh",
            "-c",
            "id -u; id -g; pwd; echo $NAME; echo again > /dev/stdout");
    assertThat(s.output()).isEqualTo("1000\n1001\n/tmp\nvalue\nagain\n");
  }

  @Test
  void aProcessAsAFile() {
    int number = guest.nextSession();
    String process =
        "{\"terminal\":false,\"user\":{\"uid\":7,\"gid\":8},\"cwd\":\"/\","
            + "\"args\":[\"sh\",\"-c\",\"id -u; echo $A\"],\"env\":[\"PATH=/bin\",\"A=b\"]}";
    guest.start(number, new Request().add(Guest.PROCESS_FIELD, process));
    assertThat(guest.end(number).output()).isEqualTo("7\nb\n");
  }

  @Test
  void aTerminalWithItsSize() {
    int number = guest.nextSession();
    Request request = new Request();
    for (String argument :
        List.of("--tty", "--", "sh", "-c", "stty size; read x; stty size; tty; exit 5")) {
      request.add(Guest.ARGUMENT_FIELD, argument);
    }
    guest.start(number, request.add(Guest.TERMINAL_FIELD, Guest.terminal(33, 101, false)));
    Stream s = guest.session(number);
    guest.await("the first size", () -> s.output().contains("33 101\r\n"));
    guest.send(Guest.RESIZE, number, Guest.shorts(50, 140));
    guest.send(Guest.INPUT, number, new byte[] {'x', '\r'});
    assertThat(guest.end(number).output()).endsWith("50 140\r\n/dev/pts/0\r\n");
    assertThat(s.status).isEqualTo(5);
  }

  @Test
  void theTerminalIsReadToItsEnd() {
    int number = guest.nextSession();
    Request request = new Request();
    for (String argument : List.of("--tty", "--", "seq", "3000")) {
      request.add(Guest.ARGUMENT_FIELD, argument);
    }
    guest.start(number, request.add(Guest.TERMINAL_FIELD, Guest.terminal(24, 80, false)));
    assertThat(guest.end(number).output())
        .startsWith("1\r\n2\r\n")
        .endsWith("\r\n3000\r\n")
        .hasSize(16893);
  }

  @Test
  void signals() {
    int number =
        guest.exec(
            "--",
            "sh",
            "-c",
            "trap 'echo usr1; exit 9' USR1; echo up; while :; do sleep 0.1; done");
    Stream s = guest.session(number);
    guest.await("the trap", () -> s.output().equals("up\n"));
    guest.send(Guest.SIGNAL, number, Guest.ints(10));
    assertThat(guest.end(number).status).isEqualTo(9);
    assertThat(s.output()).isEqualTo("up\nusr1\n");
    int other = guest.exec("--", "sleep", "500");
    guest.send(Guest.SIGNAL, other, Guest.ints(9));
    assertThat(guest.end(other).status).isEqualTo(137);
  }

  @Test
  void whoIsNotReadDelaysNobody() {
    int number = guest.nextSession();
    Stream unread = guest.session(number);
    unread.read = false;
    Request request =
        new Request().add(Guest.ARGUMENT_FIELD, "--").add(Guest.ARGUMENT_FIELD, "yes");
    guest.start(number, request);
    guest.await("a full window", () -> unread.out.size() == 65536);
    assertThat(shell("echo heard").output()).isEqualTo("heard\n");
    assertThat(unread.out.size()).isEqualTo(65536);
    guest.send(Guest.CLOSE, number, new byte[0]);
    assertThat(guest.end(number).status).isEqualTo(137);
  }

  @Test
  void manyAtOnce() {
    List<Integer> numbers = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      numbers.add(guest.exec("--", "sh", "-c", "sleep 0.1; echo " + i));
    }
    for (int i = 0; i < numbers.size(); i++) {
      assertThat(guest.end(numbers.get(i)).output()).isEqualTo(i + "\n");
    }
  }

  @Test
  void theClockIsTheHosts() {
    long guests = Long.parseLong(guest.run("--", "date", "+%s").output().strip());
    assertThat(Duration.between(Instant.now(), Instant.ofEpochSecond(guests)).abs())
        .isLessThan(Duration.ofSeconds(3));
  }

  @Test
  void whatARestoredMachineIsToldAnew() {
    long hour = 3_600_000_000_000L;
    guest.reseed((System.currentTimeMillis() * 1_000_000) + hour, "sysctl.vm.swappiness=12");
    long guests = Long.parseLong(guest.run("--", "date", "+%s").output().strip());
    assertThat(guests - Instant.now().getEpochSecond()).isBetween(3590L, 3620L);
    assertThat(shell("cat /proc/sys/vm/swappiness").output()).isEqualTo("12\n");
    guest.reseed(System.currentTimeMillis() * 1_000_000, "sysctl.no.such=1");
    guest.await("a warning", () -> !guest.warnings().isEmpty());
    assertThat(guest.takeWarnings()).singleElement().asString().contains("no.such");
  }

  @Test
  void theContainerIsIsolatedFromTheAgent() {
    assertThat(guest.run("--", "hostname").output()).isEqualTo("box\n");
    assertThat(shell("cat /proc/1/comm").output()).isEqualTo("sleep\n");
    assertThat(shell("cat /proc/self/cgroup").output()).isEqualTo("0::/\n");
    assertThat(shell("ls /run").output()).isEmpty();
    assertThat(shell("cat /proc/sys/net/ipv4/ip_unprivileged_port_start").output())
        .isEqualTo("0\n");
    assertThat(shell("cat /proc/sys/vm/overcommit_ratio").output()).isEqualTo("51\n");
    assertThat(shell("wc -c < /proc/kcore").output()).isEqualTo("0\n");
  }

  @Test
  void brokenRequests() {
    int broken = guest.nextSession();
    guest.request(broken, new byte[] {9, -1, -1, -1, -1, 1});
    guest.send(Guest.START, broken, new byte[0]);
    assertThat(guest.end(broken).failure).isEqualTo("the request is broken");
    int foreign = guest.nextSession();
    guest.start(foreign, new Request().add(Guest.CONFIG_FIELD, "{}"));
    assertThat(guest.end(foreign).failure).contains("CONFIG");
    int empty = guest.nextSession();
    guest.start(empty, new Request());
    assertThat(guest.end(empty).failure).contains("needs a program");
    int left = guest.nextSession();
    guest.request(left, new byte[] {9});
    guest.send(Guest.CLOSE, left, new byte[0]);
    assertThat(guest.end(left).status).isEqualTo(137);
    guest.send(Guest.SIGNAL, 4711, Guest.ints(9));
    guest.send(Guest.INPUT, 4711, new byte[] {1});
    assertThat(shell("echo well").output()).isEqualTo("well\n");
  }
}
