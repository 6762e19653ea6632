package dev.coracle.abi;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.BitSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class BitListTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "0|{0}|8",
        "0-3,7|{0, 1, 2, 3, 7}|8",
        " 1 , 3 - 4 ,|{1, 3, 4}|8",
        "63|{63}|8",
        "64|{64}|16",
        "5,5,4-6|{4, 5, 6}|8",
        "8191|{8191}|1024",
        "1025-1026|{1025, 1026}|136",
      })
  void lists(String list, String bits, int bytes) {
    assertThat(BitList.mask(list, 8191)).hasSize(bytes);
    assertThat(BitSet.valueOf(BitList.mask(list, 8191))).hasToString(bits);
  }

  @Test
  void nothingIsNoBit() {
    assertThat(BitList.mask("", 8191)).isEmpty();
    assertThat(BitList.mask(" , ", 8191)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"x", "1-", "-1", "3-1", "1-2-3", "0x1", "8192", "99999999999", "1 2", "٣"})
  void malformedOnes(String list) {
    assertThat(BitList.mask(list, 8191)).isNull();
  }
}
