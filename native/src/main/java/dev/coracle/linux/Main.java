package dev.coracle.linux;

/** The entry point of the native binary. */
public final class Main {
  private Main() {}

  public static void main(String[] args) {
    System.out.println("hello " + args.length);
  }
}
