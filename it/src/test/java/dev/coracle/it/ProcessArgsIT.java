package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.Result;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;

@ContainerTest
class ProcessArgsIT {

  @Test
  void arePassedAsTheyAre(Testbed bed) {
    Bundle bundle = bed.bundle().args("echo", "", "a b", "$HOME", "\"", "\u00e9");
    assertThat(bed.run(bundle).ok().stdout())
        .isEqualTo(" a b $HOME \" \u00c3\u00a9\n"); // read as Latin-1
  }

  @Test
  void theProgramIsLookedUpInTheContainersPath(Testbed bed) {
    Bundle bundle = bed.bundle().executable("/opt/x/mine", "#!/bin/sh\necho found\n");
    bundle.set("/process/env", List.of("PATH=/opt/none:/opt/x")).args("mine");
    assertThat(bed.outputOf(bundle)).isEqualTo("found");
  }

  @Test
  void aFileThatIsNotExecutableIsPassedOver(Testbed bed) {
    Bundle bundle =
        bed.bundle()
            .file("/opt/a/mine", "not this")
            .executable("/opt/b/mine", "#!/bin/sh\necho this\n");
    bundle.set("/process/env", List.of("PATH=/opt/a:/opt/b")).args("mine");
    assertThat(bed.outputOf(bundle)).isEqualTo("this");
  }

  @Test
  void aRelativePathIsFromCwd(Testbed bed) {
    Bundle bundle = bed.bundle().executable("/opt/x/mine", "#!/bin/sh\necho found\n");
    assertThat(bed.outputOf(bundle.set("/process/cwd", "/opt").args("x/mine"))).isEqualTo("found");
  }

  @Test
  void aMissingCommandFailsAtCreate(Testbed bed) {
    Result result = bed.createCommand(bed.bundle().args("nosuch")).execute().exitsWith(1);
    assertThat(result.error())
        .containsIgnoringCase("executable file")
        .contains("not found in $PATH");
  }

  @Test
  @Unsupported(runtime = "crun", reason = "words of its own")
  void aMissingCommandIsToldInTheWordsEnginesKnow(Testbed bed) {
    assertThat(bed.run(bed.bundle().args("nosuch")).exitsWith(1).error())
        .contains("exec: \"nosuch\": executable file not found in $PATH");
  }

  @Test
  @Unsupported(runtime = "crun", reason = "words of its own")
  void aMissingAbsolutePathIsToldInTheWordsEnginesKnow(Testbed bed) {
    assertThat(bed.run(bed.bundle().args("/no/such")).exitsWith(1).error())
        .contains("exec: \"/no/such\": stat /no/such: no such file or directory");
  }

  @Test
  void aMissingPathFailsAtCreate(Testbed bed) {
    assertThat(bed.createCommand(bed.bundle().args("/no/such")).execute().exitsWith(1).error())
        .containsIgnoringCase("no such file or directory");
  }

  @Test
  @Unsupported(runtime = "crun", reason = "finds out at start, or says it in other words")
  void aFileWithoutPermissionFailsAtCreate(Testbed bed) {
    Bundle bundle = bed.bundle().file("/plain", "no program").args("/plain");
    assertThat(bed.createCommand(bundle).execute().exitsWith(1).error())
        .contains("exec: \"/plain\": permission denied");
  }

  @Test
  @Unsupported(runtime = "crun", reason = "says something else", expect = Unsupported.Expect.EITHER)
  void aFolderIsNoProgram(Testbed bed) {
    assertThat(bed.run(bed.bundle().args("/etc")).exitsWith(1).error().toLowerCase(Locale.ROOT))
        .containsAnyOf("permission denied", "is a directory");
  }

  @Test
  void aFileOfNoKnownFormatFails(Testbed bed) {
    assertThat(
            bed.run(bed.bundle().executable("/junk", "\u0001\u0002\u0003").args("/junk"))
                .fails()
                .error())
        .containsIgnoringCase("exec format error");
  }

  @Test
  void mustNotBeEmpty(Testbed bed) {
    bed.run(bed.bundle().set("/process/args", List.of())).exitsWith(1);
  }

  @Test
  void theExitCodeIsTheProcesss(Testbed bed) {
    bed.run(bed.bundle().sh("exit 42")).exitsWith(42);
    bed.run(bed.bundle().sh("kill -9 $$; exit 3")).exitsWith(3); // pid 1 does not kill itself
  }

  @Test
  void aSignalsCodeIs128More(Testbed bed) {
    Bundle bundle = bed.bundle().withoutNamespace("pid").sh("kill -9 $$");
    bed.run(bundle).exitsWith(137);
  }
}
