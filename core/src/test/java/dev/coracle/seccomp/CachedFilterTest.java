package dev.coracle.seccomp;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.spec.CompiledSeccomp;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class CachedFilterTest {
  private static final byte[] BUILD = "c0ffee".getBytes(UTF_8);
  private static final byte[] CONFIG =
      "{\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\"}}}".getBytes(UTF_8);
  private static final CompiledSeccomp FILTER =
      new CompiledSeccomp(new byte[] {6, 0, 0, 0, 0, 0, (byte) 0xff, 0x7f}, 4);

  private static ProfileText at(byte[] config) {
    return Objects.requireNonNull(ProfileText.find(config, 0, config.length));
  }

  private static @Nullable CompiledSeccomp decode(byte[] file, byte[] build, byte[] config) {
    return CachedFilter.decode(file, file.length, build, config, at(config));
  }

  private static byte[] file() {
    return CachedFilter.encode(BUILD, CONFIG, at(CONFIG), FILTER);
  }

  @Test
  void whatWasKeptIsFound() {
    CompiledSeccomp found = Objects.requireNonNull(decode(file(), BUILD, CONFIG));
    assertThat(found.program()).isEqualTo(FILTER.program());
    assertThat(found.flags()).isEqualTo(4);
  }

  @Test
  void anotherTextAndAnotherBuildAreOthers() {
    byte[] other = new String(CONFIG, UTF_8).replace("ALLOW", "ERRNO").getBytes(UTF_8);
    assertThat(other).hasSameSizeAs(CONFIG);
    assertThat(decode(file(), BUILD, other)).isNull();
    assertThat(decode(file(), "decade".getBytes(UTF_8), CONFIG)).isNull();
    assertThat(decode(file(), "c0ffe".getBytes(UTF_8), CONFIG)).isNull();
  }

  /** Neither a damaged nor a shortened file may ever become a filter. */
  @Test
  void everyDamageIsNoticed() {
    byte[] file = file();
    for (int i = 0; i < file.length; i++) {
      for (int bit = 0; bit < 8; bit++) {
        byte[] damaged = file.clone();
        damaged[i] ^= (byte) (1 << bit);
        assertThat(decode(damaged, BUILD, CONFIG)).as("bit %d of byte %d", bit, i).isNull();
      }
    }
    for (int length = 0; length < file.length; length++) {
      assertThat(decode(Arrays.copyOf(file, length), BUILD, CONFIG))
          .as("%d bytes", length)
          .isNull();
    }
    assertThat(decode(Arrays.copyOf(file, file.length + 8), BUILD, CONFIG)).isNull();
  }
}
