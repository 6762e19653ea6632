package dev.coracle.seccomp;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class SyscallTableTest {
  @Test
  void numbersAreThoseOfTheKernelsHeaders() {
    assertThat(numbers("read")).containsExactly(0, 3, 0, 63);
    assertThat(numbers("execve")).containsExactly(59, 11, 520, 221);
    assertThat(numbers("clone3")).containsExactly(435, 435, 435, 435);
    assertThat(numbers("socketcall")).containsExactly(-1, 102, -1, -1);
    assertThat(numbers("newfstatat")).containsExactly(262, -1, 262, 79);
    assertThat(numbers("futex_time64")).containsExactly(-1, 422, -1, -1);
    assertThat(numbers("mseal")).containsExactly(462, 462, 462, 462);
    assertThat(numbers("uretprobe")).containsExactly(335, -1, 335, -1);
  }

  @Test
  void everyNameIsFoundAndNothingElse() {
    List<String> names = names();
    assertThat(names).hasSizeGreaterThan(450).doesNotHaveDuplicates();
    for (String name : names) {
      assertThat(SyscallTable.find(name)).as(name).isPositive();
      assertThat(SyscallTable.find(name + "0")).as(name + "0").isEqualTo(-1);
      assertThat(SyscallTable.find(name.substring(1)))
          .satisfiesAnyOf(
              at -> assertThat(at).isEqualTo(-1),
              at -> assertThat(names).contains(name.substring(1)));
    }
    assertThat(SyscallTable.find("")).isEqualTo(-1);
    assertThat(SyscallTable.find("read:")).isEqualTo(-1);
  }

  /** The names in the table's records. */
  static List<String> names() {
    List<String> out = new ArrayList<>();
    for (String record : SyscallNames.TABLE.substring(3 * 1024).split(";", 0)) {
      out.add(record.substring(0, record.indexOf(':')));
    }
    return out;
  }

  private static List<Integer> numbers(String name) {
    List<Integer> out = new ArrayList<>();
    for (Abi abi : Abi.values()) {
      out.add(SyscallTable.number(SyscallTable.find(name), abi));
    }
    return out;
  }
}
