package dev.coracle.vm;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ExitStatusTest {
  private static final String AT = "config.json /process/args/0: cannot find program \"x\": exec: ";

  @ParameterizedTest
  @CsvSource({
    "\"x\": executable file not found in $PATH, 127",
    "\"/x\": stat /x: no such file or directory, 127",
    "\"/x/y\": stat /x/y: not a directory, 127",
    "\"/x\": permission denied, 126",
    "\"/x\": is a directory, 126",
    "/x: exec format error, 126",
    "/x: E2BIG (Argument list too long), 1",
  })
  void readsTheWordsAboutTheProgram(String words, int status) {
    assertThat(ExitStatus.of(AT + words)).isEqualTo(status);
  }

  @ParameterizedTest
  @CsvSource({
    "config.json /process/cwd: no such file or directory",
    "config.json /mounts/1: permission denied",
    "the request is broken",
  })
  void anythingElseIsNotAboutTheProgram(String error) {
    assertThat(ExitStatus.of(error)).isEqualTo(ExitStatus.OTHER);
  }
}
