package dev.coracle.it.harness;

/** The criu that run.sh fetched; the views in which it does not work have none. */
public final class CriuProgram {
  /** The system property that names its directory. */
  public static final String PROPERTY = "coracle.it.criu";

  private CriuProgram() {}

  /** PATH with its directory first, if there is one. */
  public static String path() {
    String directory = System.getProperty(PROPERTY);
    String path = System.getenv("PATH");
    return directory == null ? path : directory + ":" + path;
  }
}
