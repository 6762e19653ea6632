package dev.coracle.lifecycle;

/** Times as text (RFC 3339), in UTC, without java.time: that would be most of the start-up. */
public final class Timestamp {
  private static final long NANOS = 1_000_000_000L;
  private static final long DAY_SECONDS = 86_400;

  private Timestamp() {}

  /** A time after the epoch, with as many digits of the fraction as it has. */
  public static String rfc3339(long nanos) {
    long seconds = Math.floorDiv(nanos, NANOS);
    StringBuilder out = new StringBuilder(32);
    date(out, Math.floorDiv(seconds, DAY_SECONDS));
    long second = Math.floorMod(seconds, DAY_SECONDS);
    out.append('T');
    two(out, second / 3600).append(':');
    two(out, second / 60 % 60).append(':');
    two(out, second % 60);
    long fraction = Math.floorMod(nanos, NANOS);
    if (fraction > 0) {
      out.append('.');
      for (long digit = NANOS / 10; digit > 0 && fraction > 0; digit /= 10) {
        out.append((char) ('0' + fraction / digit));
        fraction %= digit;
      }
    }
    return out.append('Z').toString();
  }

  /** Days after the epoch to a civil date, by eras of 400 years that begin in March. */
  private static void date(StringBuilder out, long days) {
    long shifted = days + 719_468;
    long era = Math.floorDiv(shifted, 146_097L);
    long dayOfEra = shifted - era * 146_097;
    long yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365;
    long dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
    long monthFromMarch = (5 * dayOfYear + 2) / 153;
    long day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1;
    long month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
    long year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
    out.append(year).append('-');
    two(out, month).append('-');
    two(out, day);
  }

  private static StringBuilder two(StringBuilder out, long value) {
    return out.append((char) ('0' + value / 10)).append((char) ('0' + value % 10));
  }
}
