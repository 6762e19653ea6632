package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.Testbed;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

@ContainerTest
class PidFileIT {

  @Test
  void isADecimalNumberAlone(Testbed bed) throws IOException {
    Path pidFile = bed.directory().resolve("pid");
    try (Container c = bed.create(bed.bundle(), "--pid-file", pidFile.toString())) {
      assertThat(Files.readString(pidFile)).isEqualTo("" + c.pid());
    }
  }

  @Test
  void theProcessIsAChildOfTheSubreaper(Testbed bed) throws IOException {
    try (Container c = bed.create(bed.bundle())) {
      assertThat(Files.readString(Path.of("/proc/" + c.pid() + "/status")))
          .contains("PPid:\t" + ProcessHandle.current().pid() + "\n");
    }
  }

  @Test
  void ofAFailedCreateIsNotThere(Testbed bed) {
    Path pidFile = bed.directory().resolve("pid");
    bed.createCommand(bed.bundle().args("nosuch"), "--pid-file", pidFile.toString())
        .execute()
        .fails();
    assertThat(pidFile).doesNotExist();
  }

  @Test
  void thatCannotBeWrittenFailsCreate(Testbed bed) {
    bed.createCommand(bed.bundle(), "--pid-file", bed.directory() + "/no/folder/pid")
        .execute()
        .exitsWith(1);
  }
}
