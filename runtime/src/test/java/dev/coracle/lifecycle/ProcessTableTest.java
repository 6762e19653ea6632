package dev.coracle.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.kernel.RecordingKernel;
import java.util.List;
import org.junit.jupiter.api.Test;

class ProcessTableTest {
  @Test
  void looksLikePs() {
    RecordingKernel kernel = new RecordingKernel();
    // Now is 2025-06-15 15:06:40 UTC, and the host is as old as the epoch.
    kernel.answers("clock_gettime", 1_750_000_000_000_000_000L);
    kernel.file("/etc/passwd", "root:x:0:0::/:/bin/sh\n");
    kernel.file(
        "/proc/7/stat", "7 (a) b) S 1 7 7 34816 7 0 0 0 0 0 350 50 0 0 0 0 1 0 174999999000 0\n");
    kernel.file("/proc/7/status", "Name:\tx\nUid:\t1\t0\t0\t0\n");
    kernel.file("/proc/7/cmdline", "sh\0-c\0echo \033[1m\0");
    kernel.file(
        "/proc/123456/stat", "123456 (kworker) S 7 7 7 0 7 0 0 0 0 0 0 0 0 0 0 0 1 0 100 0\n");
    kernel.file("/proc/123456/status", "Name:\tx\nUid:\t1\t1234\t0\t0\n");
    assertThat(ProcessTable.of(kernel, List.of(7, 123456, 8)))
        .isEqualTo(
            """
            UID          PID    PPID  C STIME TTY          TIME CMD
            root           7       1 40 15:06 pts/0    00:00:04 sh -c echo ?[1m
            1234      123456       7  0 Jan01 ?        00:00:00 [kworker]
            """);
  }
}
