package dev.coracle.it.harness;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A container that counts in a file, its checkpoint, and its restore. */
public final class Checkpoints {
  /** The script that counts. */
  public static final String COUNT =
      "i=0; while :; do i=$((i+1)); echo $i > /tmp/count; usleep 20000; done";

  private final Testbed bed;
  private final Bundle bundle;

  public Checkpoints(Testbed bed) {
    this.bed = bed;
    this.bundle = bed.bundle().sh(COUNT);
  }

  public Bundle bundle() {
    return bundle;
  }

  /** Where the images go, unless a flag tells another place. */
  public String images() {
    return bed.directory().resolve("images").toString();
  }

  /** Starts it, and waits until it counts. */
  public Container started() {
    // The host's /dev/null for stdio, as engines have it.
    Command create = bed.createCommand(bundle).after("exec > /dev/null 2>&1");
    Container container = bed.created(bundle.id(), create).start();
    awaitCount(3);
    return container;
  }

  public Command checkpoint(String... flags) {
    return command("checkpoint", List.of(), flags);
  }

  public Command restore(String... flags) {
    List<String> first = List.of("--bundle", bundle.directory().toString());
    return command("restore", first, flags).after("exec > /dev/null");
  }

  private Command command(String verb, List<String> first, String... flags) {
    List<String> args = new ArrayList<>(List.of(verb));
    args.addAll(first);
    if (!Arrays.asList(flags).contains("--image-path")) {
      args.addAll(List.of("--image-path", images()));
    }
    args.addAll(List.of(flags));
    args.add(bundle.id());
    return bed.oci(args.toArray(String[]::new)).env("PATH", CriuProgram.path());
  }

  public int count() {
    return number(bundle.inRootfs("/tmp/count"));
  }

  public void awaitCount(int least) {
    Poll.until("a count of " + least, () -> count() >= least);
  }

  /** The number that a file holds; 0 where it is empty or not there. */
  public static int number(Path file) {
    try {
      String text = Files.exists(file) ? Files.readString(file).strip() : "";
      return text.isEmpty() ? 0 : Integer.parseInt(text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
