package dev.coracle.seccomp;

/**
 * A set of words in one text, each between two spaces: a single string constant, for every one
 * costs start-up time whether its verb uses it or not.
 */
public final class Words {
  private Words() {}

  /** Where the word stands in the text, from 0; −1 where it does not. */
  public static int indexOf(String words, String word) {
    if (word.isEmpty() || word.indexOf(' ') >= 0) {
      return -1;
    }
    int length = word.length();
    int index = 0;
    for (int from = 1; from < words.length(); index++) {
      int to = words.indexOf(' ', from);
      if (to - from == length && words.startsWith(word, from)) {
        return index;
      }
      from = to + 1;
    }
    return -1;
  }
}
