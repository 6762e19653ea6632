package dev.coracle.json;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class PointerTest {
  @Test
  void text() {
    assertThat(Pointer.ROOT).hasToString("");
    assertThat(Pointer.of("")).isEqualTo(Pointer.ROOT);
    assertThat(Pointer.of("/linux/maskedPaths").child(2)).hasToString("/linux/maskedPaths/2");
  }

  @Test
  void escapes() {
    assertThat(Pointer.ROOT.child("a/b").child("m~n").child("")).hasToString("/a~1b/m~0n/");
    assertThat(Pointer.ROOT.child("~1")).hasToString("/~01");
  }

  @Test
  void equality() {
    Pointer a = Pointer.of("/a/0");
    assertThat(a).isEqualTo(Pointer.ROOT.child("a").child(0)).hasSameHashCodeAs("/a/0");
    assertThat(a).isNotEqualTo(Pointer.of("/a/1")).isNotEqualTo("/a/0");
  }
}
