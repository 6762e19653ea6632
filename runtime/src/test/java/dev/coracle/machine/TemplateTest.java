package dev.coracle.machine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.kernel.Errno;
import dev.coracle.kernel.RecordingKernel;
import org.junit.jupiter.api.Test;

/** Machines that others are copied from. */
class TemplateTest {
  private static final String KEY = "all that shapes it\n";

  private final RecordingKernel k = new RecordingKernel();
  private final Template template = new Template(k, "/machines", KEY);

  private RecordingKernel none() {
    return k.broken("key", Errno.ENOENT);
  }

  @Test
  void itsFilesAreOfOneDirectory() {
    k.file("key", KEY);
    Template.Opened opened = template.open();
    assertThat(opened.problem()).isZero();
    assertThat(opened.isEmpty()).isFalse();
    String directory = k.calls().get(0);
    assertThat(directory).contains("AT_FDCWD, \"/machines/", "O_DIRECTORY");
    assertThat(k.calls().subList(1, k.calls().size())).noneMatch(c -> c.contains("AT_FDCWD"));
    assertThat(k.openDescriptors()).containsExactly((int) opened.memory(), (int) opened.state());
  }

  @Test
  void oneOfAnotherKeyIsNotTaken() {
    k.file("key", KEY + "and more");
    assertThat(template.open().problem()).isEqualTo(-Errno.ENOENT);
    assertThat(k.calls()).noneMatch(c -> c.contains("memory"));
    assertThat(k.openDescriptors()).isEmpty();
  }

  @Test
  void itIsMadeByOneAtATime() {
    none();
    Template.Opened begun = template.begin();
    assertThat(begun.problem()).isZero();
    assertThat(begun.isEmpty()).isTrue();
    assertThat(String.join("\n", k.calls()))
        .containsSubsequence(
            ".lock\", O_RDWR|O_CREAT",
            "LOCK_EX",
            "\"key\"",
            "unlinkat(AT_FDCWD, \"/machines/new-",
            "mkdirat(AT_FDCWD, \"/machines/new-",
            "/memory\", O_RDWR|O_CREAT|O_EXCL",
            "65534, 65534",
            "/state\", O_RDWR|O_CREAT|O_EXCL");
    assertThat(template.finish()).isZero();
    assertThat(template.end()).isZero();
    assertThat(k.openDescriptors()).containsExactly((int) begun.memory(), (int) begun.state());
    assertThat(k.calls())
        .anySatisfy(
            c ->
                assertThat(c)
                    .startsWith("renameat2(AT_FDCWD, \"/machines/new-")
                    .contains("\"" + place() + "\""));
    assertThat(k.file("/machines/new-" + place().substring("/machines/".length()) + "/key"))
        .isEqualTo(KEY);
  }

  private String place() {
    String call = k.calls().get(0);
    int from = call.indexOf("/machines/");
    return call.substring(from, call.indexOf(".lock"));
  }

  @Test
  void whoWaitedTakesTheOneThatWasMade() {
    k.file("key", KEY);
    Template.Opened begun = template.begin();
    assertThat(begun.problem()).isZero();
    assertThat(begun.isEmpty()).isFalse();
    assertThat(k.calls()).noneMatch(c -> c.contains("mkdirat") || c.contains("O_EXCL"));
  }

  @Test
  void nothingIsLeftOfOneThatCouldNotBeMade() {
    none();
    assertThat(template.begin().problem()).isZero();
    assertThat(template.abandon()).isZero();
    assertThat(k.made()).noneMatch(p -> p.contains("/new-"));
  }

  @Test
  void whatTheKernelRefusesIsTold() {
    none().fail("flock", 1, Errno.ENOSPC);
    assertThat(template.begin().problem()).isEqualTo(-Errno.ENOSPC);
    none().fail("mkdirat", 1, Errno.ENOSPC);
    assertThat(template.begin().problem()).isEqualTo(-Errno.ENOSPC);
  }
}
