package dev.coracle.vm;

/**
 * A bounded table from numbers to rows of numbers. It allocates only where it grows, to twice what
 * it was, and is at most half full.
 */
final class LongTable {
  private static final long SPREAD = 0x9e3779b97f4a7c15L;
  private static final int LEAST = 16;

  private final int most;
  private long[] keys;
  private boolean[] used;
  private final long[][] columns;
  private int size;

  /**
   * An empty table.
   *
   * @param columns how many numbers are in a row
   * @param expected how many rows fit before it grows
   * @param most how many rows there may be
   */
  LongTable(int columns, int expected, int most) {
    this.most = most;
    int places = LEAST;
    while (places < 2 * expected) {
      places *= 2;
    }
    this.columns = new long[columns][];
    keys = new long[places];
    used = new boolean[places];
    for (int i = 0; i < columns; i++) {
      this.columns[i] = new long[places];
    }
  }

  int size() {
    return size;
  }

  /** Where rows may be: from 0 to here, those that are {@link #isUsed}. */
  int places() {
    return keys.length;
  }

  boolean isUsed(int place) {
    return used[place];
  }

  long key(int place) {
    return keys[place];
  }

  long get(int place, int column) {
    return columns[column][place];
  }

  void set(int place, int column, long value) {
    columns[column][place] = value;
  }

  /** The place of a row until the next change, or −1. */
  int find(long key) {
    int place = probe(key);
    return used[place] ? place : -1;
  }

  /**
   * The place of a row, which is made, of zeroes, where there is none; −1 where it does not fit.
   */
  int put(long key) {
    int place = probe(key);
    if (used[place]) {
      return place;
    }
    if (size == most) {
      return -1;
    }
    if (2 * (size + 1) > keys.length) {
      grow();
      place = probe(key);
    }
    size++;
    used[place] = true;
    keys[place] = key;
    for (long[] column : columns) {
      column[place] = 0;
    }
    return place;
  }

  /** Removes the row at a place; others may move. */
  void remove(int place) {
    int mask = keys.length - 1;
    int hole = place;
    int at = place;
    used[hole] = false;
    size--;
    while (true) {
      at = at + 1 & mask;
      if (!used[at]) {
        return;
      }
      int away = at - home(keys[at]) & mask;
      if (away >= (at - hole & mask)) {
        move(at, hole);
        used[at] = false;
        hole = at;
      }
    }
  }

  private void move(int from, int to) {
    used[to] = true;
    keys[to] = keys[from];
    for (long[] column : columns) {
      column[to] = column[from];
    }
  }

  private int home(long key) {
    return (int) (key * SPREAD >>> 32) & keys.length - 1;
  }

  private int probe(long key) {
    int mask = keys.length - 1;
    int place = home(key);
    while (used[place] && keys[place] != key) {
      place = place + 1 & mask;
    }
    return place;
  }

  private void grow() {
    long[] oldKeys = keys;
    boolean[] oldUsed = used;
    keys = new long[2 * oldKeys.length];
    used = new boolean[keys.length];
    long[][] old = new long[columns.length][];
    for (int i = 0; i < columns.length; i++) {
      old[i] = columns[i];
      columns[i] = new long[keys.length];
    }
    for (int from = 0; from < oldKeys.length; from++) {
      if (oldUsed[from]) {
        int to = probe(oldKeys[from]);
        used[to] = true;
        keys[to] = oldKeys[from];
        for (int i = 0; i < columns.length; i++) {
          columns[i][to] = old[i][from];
        }
      }
    }
  }
}
