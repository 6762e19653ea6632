package dev.coracle.seccomp;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ProfileTextTest {
  private static @Nullable String found(String json) {
    byte[] bytes = json.replace('\'', '"').getBytes(UTF_8);
    ProfileText at = ProfileText.find(bytes, 0, bytes.length);
    return at == null
        ? null
        : new String(bytes, at.from(), at.to() - at.from(), UTF_8).replace('"', '\'');
  }

  @Test
  void theObjectIsFoundWhereverItStands() {
    for (int before = 0; before < 40; before++) {
      String space = " ".repeat(before);
      assertThat(found("{" + space + "'seccomp':{'a':1}}")).isEqualTo("{'a':1}");
      assertThat(found("{'a':'" + "secomp".repeat(before) + "','seccomp' :\n {}}")).isEqualTo("{}");
    }
  }

  @Test
  void bracesInStringsDoNotCount() {
    assertThat(found("{'seccomp':{'a':'}{\\'}','b':{'c':[{}]}},'x':{}}"))
        .isEqualTo("{'a':'}{\\'}','b':{'c':[{}]}}");
  }

  @Test
  void onlyAKeyOfAnObjectIsMeant() {
    assertThat(found("{'x':'seccomp','seccomp':null}")).isNull();
    assertThat(found("{'x':['seccomp',{}],'seccomp':{'b':1}}")).isEqualTo("{'b':1}");
    assertThat(found("{'x':'\\'seccomp\\':{}'}")).isNull();
    assertThat(found("{'Seccomp':{},'seccomp2':{}}")).isNull();
  }

  @Test
  void whatHasNoEndIsNotFound() {
    assertThat(found("{'seccomp':{'a':1")).isNull();
    assertThat(found("'seccomp'")).isNull();
    assertThat(found("'seccomp':")).isNull();
    assertThat(found("{'seccomp':{'a':'\\")).isNull();
    assertThat(found("{'seccomp':{'a':'" + "x".repeat(ProfileText.MOST_BYTES) + "'}}")).isNull();
  }

  @Test
  void theHashIsThatOfTheBytes() {
    byte[] one = "{\"seccomp\":{\"a\":\"\\\"1\"}}".getBytes(UTF_8);
    byte[] two = "{\"b\":1, \"seccomp\": {\"a\":\"\\\"1\"}}".getBytes(UTF_8);
    int hash = Objects.requireNonNull(ProfileText.find(one, 0, one.length)).hash();
    assertThat(Objects.requireNonNull(ProfileText.find(two, 0, two.length)).hash()).isEqualTo(hash);
    two[two.length - 4]++;
    assertThat(Objects.requireNonNull(ProfileText.find(two, 0, two.length)).hash())
        .isNotEqualTo(hash);
  }
}
