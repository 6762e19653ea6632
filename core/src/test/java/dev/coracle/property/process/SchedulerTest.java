package dev.coracle.property.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.abi.Sched;
import dev.coracle.property.Reading;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SchedulerTest {
  private final Reading reading = new Reading();

  private dev.coracle.spec.Process.@Nullable Scheduler read(String scheduler) {
    return Scheduler.read(reading.at("/process", "{'scheduler': " + scheduler + "}"));
  }

  @Test
  void allOfDeadline() {
    dev.coracle.spec.Process.Scheduler s =
        read(
            "{'policy': 'SCHED_DEADLINE', 'flags': ['SCHED_FLAG_RESET_ON_FORK',"
                + " 'SCHED_FLAG_DL_OVERRUN'], 'runtime': 10000000, 'deadline': 20000000,"
                + " 'period': 18446744073709551615}");
    assertThat(reading.problems()).isEmpty();
    assertThat(s)
        .isEqualTo(
            new dev.coracle.spec.Process.Scheduler(
                Sched.SCHED_DEADLINE, 0, 0, 5, 10_000_000, 20_000_000, -1));
    Scheduler.plan(s, reading.plan());
    assertThat(reading.steps())
        .singleElement()
        .asString()
        .startsWith("CHILD_PROCESS SetScheduler[")
        .endsWith("config.json /process/scheduler");
  }

  @Test
  void theStructureOfTheKernel() {
    byte[] attr = Sched.attr(new dev.coracle.spec.Process.Scheduler(3, -20, 7, 0x7fL, 11, 12, 13));
    ByteBuffer b = ByteBuffer.wrap(attr).order(ByteOrder.LITTLE_ENDIAN);
    assertThat(attr).hasSize(56);
    assertThat(new int[] {b.getInt(), b.getInt()}).containsExactly(56, 3);
    assertThat(b.getLong()).isEqualTo(0x7f);
    assertThat(new int[] {b.getInt(), b.getInt()}).containsExactly(-20, 7);
    assertThat(new long[] {b.getLong(), b.getLong(), b.getLong(), b.getLong()})
        .containsExactly(11, 12, 13, 0);
  }

  @ParameterizedTest
  @CsvSource({
    "SCHED_OTHER,0",
    "SCHED_FIFO,1",
    "SCHED_RR,2",
    "SCHED_BATCH,3",
    "SCHED_ISO,4",
    "SCHED_IDLE,5",
    "SCHED_DEADLINE,6"
  })
  void policies(String name, int number) {
    dev.coracle.spec.Process.Scheduler s = read("{'policy': '" + name + "'}");
    assertThat(reading.problems()).isEmpty();
    assertThat(s).isEqualTo(new dev.coracle.spec.Process.Scheduler(number, 0, 0, 0, 0, 0, 0));
  }

  @ParameterizedTest
  @CsvSource({
    "RESET_ON_FORK,1",
    "RECLAIM,2",
    "DL_OVERRUN,4",
    "KEEP_POLICY,8",
    "KEEP_PARAMS,16",
    "UTIL_CLAMP_MIN,32",
    "UTIL_CLAMP_MAX,64"
  })
  void flags(String name, long flag) {
    dev.coracle.spec.Process.Scheduler s =
        read("{'policy': 'SCHED_OTHER', 'flags': ['SCHED_FLAG_" + name + "']}");
    assertThat(reading.problems()).isEmpty();
    assertThat(s).isEqualTo(new dev.coracle.spec.Process.Scheduler(0, 0, 0, flag, 0, 0, 0));
  }

  @Test
  void allThatIsWrongAtOnce() {
    read(
        "{'policy': 'SCHED_IDLE', 'nice': -21, 'priority': 1, 'runtime': 1, 'deadline': 2,"
            + " 'period': 3, 'flags': ['SCHED_FLAG_RECLAIM', 'RECLAIM']}");
    assertThat(reading.problems())
        .containsExactly(
            "/process/scheduler/nice: must be from -20 to 19, not the number -21",
            "/process/scheduler/runtime: needs SCHED_DEADLINE, not SCHED_IDLE",
            "/process/scheduler/deadline: needs SCHED_DEADLINE, not SCHED_IDLE",
            "/process/scheduler/period: needs SCHED_DEADLINE, not SCHED_IDLE",
            "/process/scheduler/priority: needs SCHED_FIFO or SCHED_RR, not SCHED_IDLE",
            "/process/scheduler/flags/1: unknown scheduling flag \"RECLAIM\"");
  }

  @Test
  void thePolicyIsRequiredAndKnown() {
    read("{}");
    read("{'policy': 'fifo'}");
    assertThat(reading.problems())
        .containsExactly(
            "/process/scheduler/policy: is required",
            "/process/scheduler/policy: unknown scheduling policy \"fifo\"");
  }
}
