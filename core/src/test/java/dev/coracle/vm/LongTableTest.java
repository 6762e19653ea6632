package dev.coracle.vm;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class LongTableTest {
  @Test
  void itIsAsAMap() {
    Random random = new Random(1);
    LongTable table = new LongTable(2, 0, 500);
    Map<Long, Long> map = new HashMap<>();
    for (int i = 0; i < 100_000; i++) {
      // Few enough that the same come again, and some that are far apart.
      long key = random.nextInt(700) * (random.nextBoolean() ? 1L : 1L << 40) - 3;
      int place = table.find(key);
      assertThat(place >= 0).isEqualTo(map.containsKey(key));
      if (random.nextInt(100) < 52) {
        int put = table.put(key);
        boolean fits = map.containsKey(key) || map.size() < 500;
        assertThat(put >= 0).isEqualTo(fits);
        if (fits) {
          assertThat(table.get(put, 1)).isEqualTo(map.getOrDefault(key, 0L));
          table.set(put, 1, i);
          map.put(key, (long) i);
        }
      } else if (place >= 0) {
        table.remove(place);
        map.remove(key);
      }
      assertThat(table.size()).isEqualTo(map.size());
    }
    Map<Long, Long> all = new HashMap<>();
    for (int i = 0; i < table.places(); i++) {
      if (table.isUsed(i)) {
        all.put(table.key(i), table.get(i, 1));
      }
    }
    assertThat(all).isEqualTo(map).hasSizeGreaterThan(100);
    assertThat(table.places()).isEqualTo(1024);
  }

  @Test
  void whatIsExpectedFitsWithoutGrowing() {
    LongTable table = new LongTable(1, 1000, 1000);
    int before = table.places();
    for (int i = 0; i < 1000; i++) {
      assertThat(table.put(i)).isNotNegative();
    }
    assertThat(table.places()).isEqualTo(before);
    assertThat(table.put(1000)).isNegative();
    assertThat(new LongTable(1, 0, 0).put(1)).isNegative();
  }
}
