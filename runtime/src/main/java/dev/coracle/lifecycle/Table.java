package dev.coracle.lifecycle;

import java.util.ArrayList;
import java.util.List;

/** Text in columns, as wide as their widest cell, with at least three spaces between them. */
final class Table {
  private static final int GAP = 3;
  private static final int LEAST_WIDTH = 9;
  private final List<String[]> rows = new ArrayList<>();

  Table(String... header) {
    rows.add(header);
  }

  void row(String... cells) {
    rows.add(cells);
  }

  @Override
  public String toString() {
    int columns = rows.get(0).length;
    int[] widths = new int[columns];
    for (String[] row : rows) {
      for (int i = 0; i < columns; i++) {
        widths[i] = Math.max(Math.max(widths[i], LEAST_WIDTH), row[i].length());
      }
    }
    StringBuilder out = new StringBuilder();
    for (String[] row : rows) {
      for (int i = 0; i < columns; i++) {
        out.append(row[i]);
        if (i < columns - 1) {
          for (int n = row[i].length(); n < widths[i] + GAP; n++) {
            out.append(' ');
          }
        }
      }
      out.append('\n');
    }
    return out.toString();
  }
}
