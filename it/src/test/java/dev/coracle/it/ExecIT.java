package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Command;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.Libc;
import dev.coracle.it.harness.Result;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

@ContainerTest
class ExecIT {

  @Test
  void runsInTheContainer(Testbed bed) {
    try (Container c = bed.start(bed.bundle().lasting())) {
      Result result =
          c.exec("sh", "-c", "hostname; echo $$; ls /; echo err >&2; exit 11").exitsWith(11);
      assertThat(result.stdout()).startsWith("coracle\n").contains("bin\n");
      assertThat(result.stderr()).isEqualTo("err\n");
    }
  }

  @Test
  void joinsAllNamespacesAndTheCgroup(Testbed bed) {
    Bundle bundle = bed.bundle().namespace("cgroup", null).lasting();
    try (Container c = bed.start(bundle)) {
      String script =
          "for n in pid net ipc uts mnt cgroup; do [ $(readlink /proc/1/ns/$n) = $(readlink /proc/self/ns/$n) ] || echo $n differs; done;"
              + " cmp -s /proc/1/cgroup /proc/self/cgroup && echo same || diff /proc/1/cgroup /proc/self/cgroup || echo same";
      // Root of the container, but as privileged as its first process, which it looks at.
      assertThat(c.exec("sh", "-c", script).stdout()).doesNotContain("differs");
    }
  }

  @Unsupported(runtime = "crun", reason = "replaces the environment, PATH too")
  @Test
  void takesFlags(Testbed bed) {
    try (Container c = bed.start(bed.bundle().lasting())) {
      Result result =
          bed.oci(
                  "exec",
                  "--cwd",
                  "/etc",
                  "--env",
                  "A=b",
                  "--env",
                  "C=d",
                  "--user",
                  "1000:1001",
                  c.id(),
                  "sh",
                  "-c",
                  "pwd; echo $A $C; id -u; id -g")
              .execute()
              .ok();
      assertThat(result.line()).isEqualTo("/etc\nb d\n1000\n1001");
    }
  }

  @Test
  void aSignalsCodeIs128More(Testbed bed) {
    try (Container c = bed.start(bed.bundle().lasting())) {
      c.exec("sh", "-c", "kill -9 $$").exitsWith(137);
    }
  }

  @Test
  void readsStdin(Testbed bed) {
    try (Container c = bed.start(bed.bundle().lasting())) {
      assertThat(bed.oci("exec", c.id(), "cat").stdin("in and out").execute().ok().stdout())
          .isEqualTo("in and out");
    }
  }

  @Test
  void takesAProcessFile(Testbed bed) {
    Path process =
        bed.file(
            "process.json",
            Json.text(
                Json.object(
                    "args",
                    List.of("sh", "-c", "pwd; echo $X; id -u"),
                    "cwd",
                    "/tmp",
                    "env",
                    List.of("PATH=/bin", "X=y"),
                    "user",
                    Json.object("uid", 7, "gid", 7))));
    try (Container c = bed.start(bed.bundle().lasting())) {
      assertThat(bed.oci("exec", "--process", process.toString(), c.id()).execute().ok().line())
          .isEqualTo("/tmp\ny\n7");
    }
  }

  @Test
  void detachedWritesAPidFileAfterExecve(Testbed bed) throws IOException {
    Path pidFile = bed.directory().resolve("exec.pid");
    try (Container c = bed.start(bed.bundle().lasting())) {
      bed.oci("exec", "--detach", "--pid-file", pidFile.toString(), c.id(), "sleep", "1000")
          .execute()
          .ok();
      String pid = Files.readString(pidFile);
      assertThat(pid).matches("[0-9]+");
      assertThat(Files.readString(Path.of("/proc/" + pid + "/cmdline")))
          .isEqualTo("sleep\0001000\000");
      Libc.kill(Integer.parseInt(pid), Libc.SIGKILL);
    }
  }

  @Test
  void aFailedOneWritesNoPidFile(Testbed bed) {
    Path pidFile = bed.directory().resolve("exec.pid");
    try (Container c = bed.start(bed.bundle().lasting())) {
      bed.oci("exec", "--detach", "--pid-file", pidFile.toString(), c.id(), "nosuch")
          .execute()
          .fails();
      assertThat(pidFile).doesNotExist();
    }
  }

  @Unsupported(runtime = "crun", reason = "has words of its own")
  @Test
  void aMissingCommandIs255(Testbed bed) {
    try (Container c = bed.start(bed.bundle().lasting())) {
      assertThat(c.exec("nosuch").exitsWith(255).error())
          .contains("exec: \"nosuch\": executable file not found in $PATH");
    }
  }

  @Test
  void inACreatedContainerIsFine(Testbed bed) {
    try (Container c = bed.create(bed.bundle())) {
      assertThat(c.exec("echo", "in").ok().line()).isEqualTo("in");
    }
  }

  @Test
  void preservesFds(Testbed bed) {
    try (Container c = bed.start(bed.bundle().lasting().addProbe())) {
      Result result =
          bed.oci("exec", "--preserve-fds", "1", c.id(), "/bin/probe", "fds")
              .after("exec 3</etc/hostname 4</etc/hostname")
              .execute()
              .ok();
      assertThat(result.stdout()).contains("3 ").doesNotContain("4 ");
    }
  }

  @Test
  void capabilitiesAreTheContainers(Testbed bed) {
    Bundle bundle = bed.bundle().capabilities("CAP_CHOWN").lasting();
    try (Container c = bed.start(bundle)) {
      String out = c.exec("sh", "-c", "grep Cap /proc/self/status | tr -s '\\t' ' '").ok().line();
      assertThat(out.split("\n", -1))
          .containsExactly(
              "CapInh: 0000000000000000",
              "CapPrm: 0000000000000001",
              "CapEff: 0000000000000001",
              "CapBnd: 0000000000000001",
              "CapAmb: 0000000000000000");
    }
  }

  @Unsupported(runtime = "crun", reason = "sets it only when asked for")
  @Test
  void privilegesAreNoMoreThanTheContainers(Testbed bed) {
    try (Container c = bed.start(bed.bundle().lasting())) {
      assertThat(c.exec("grep", "NoNewPrivs", "/proc/self/status").ok().line()).endsWith("1");
    }
  }

  @Unsupported(runtime = "crun", reason = "replaces the others")
  @Test
  void capabilitiesCanBeAdded(Testbed bed) {
    try (Container c = bed.start(bed.bundle().capabilities("CAP_CHOWN").lasting())) {
      Result result =
          bed.oci(
                  "exec",
                  "--cap",
                  "CAP_KILL",
                  c.id(),
                  "sh",
                  "-c",
                  "grep CapEff /proc/self/status | tr -s '\\t' ' '")
              .execute()
              .ok();
      assertThat(result.line()).isEqualTo("CapEff: 0000000000000021");
    }
  }

  @Test
  void manyAtOnce(Testbed bed) {
    try (Container c = bed.start(bed.bundle().lasting())) {
      List<Command.Running> all = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        all.add(bed.oci("exec", c.id(), "sh", "-c", "exit " + (20 + i)).start());
      }
      for (int i = 0; i < 8; i++) {
        all.get(i).end().exitsWith(20 + i);
      }
    }
  }

  @Test
  @CoracleOnly("a user is parsed strictly, unlike CVE-2026-30892")
  void aUserMustBeNumbers(Testbed bed) {
    try (Container c = bed.start(bed.bundle().lasting())) {
      for (String user :
          List.of(":", "1:", ":1", "abc", "1:abc", "-1", "1:2:3", "1 ", "99999999999")) {
        bed.oci("exec", "--user", user, c.id(), "true").execute().fails();
      }
      assertThat(bed.oci("exec", "--user", "1", c.id(), "id", "-u").execute().ok().line())
          .isEqualTo("1");
    }
  }
}
