package dev.coracle.it.harness;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import java.util.function.BiFunction;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/** Lets a verb fail at each of its system calls, and looks what it says and what it leaves. */
public final class FaultRun {
  private static final boolean ALL = "all".equals(System.getenv("CORACLE_FAULTS"));
  private static final int WORKERS = 2;
  private static final int STRIDE = 3;

  /** Of the calls that are the same in each view only every so many-th is taken in this one. */
  private static final int ONE_IN = Integer.getInteger("coracle.it.faultsOneIn", 1);

  private static final int MOST_TOLD = 40;

  /**
   * A verb and what comes before it.
   *
   * @param makes whether it makes a container, of which nothing may be left where it fails
   */
  public record Verb(
      String name,
      UnaryOperator<Bundle> bundle,
      BiConsumer<Testbed, Bundle> before,
      BiFunction<Testbed, Bundle, Command> command,
      boolean makes) {
    public static Verb of(String name, UnaryOperator<Bundle> bundle) {
      return new Verb(
          name,
          bundle,
          (bed, b) -> {},
          (bed, b) -> {
            throw new IllegalStateException("does nothing");
          },
          false);
    }

    public static Verb making(String name, UnaryOperator<Bundle> bundle) {
      Verb verb = of(name, bundle);
      return new Verb(name, bundle, verb.before, verb.command, true);
    }

    public Verb before(BiConsumer<Testbed, Bundle> action) {
      return new Verb(name, bundle, action, command, makes);
    }

    public Verb does(BiFunction<Testbed, Bundle, Command> made) {
      return new Verb(name, bundle, before, made, makes);
    }
  }

  private final Testbed bed;
  private final Verb verb;
  private final List<String> problems = Collections.synchronizedList(new ArrayList<>());
  private final AtomicInteger tolerated = new AtomicInteger();
  private final AtomicInteger missed = new AtomicInteger();

  private FaultRun(Testbed bed, Verb verb) {
    this.bed = bed;
    this.verb = verb;
  }

  /** Every call with every one of these faults, or a sample of them. */
  public static void of(Testbed bed, Verb verb, int... kinds) {
    new FaultRun(bed, verb).run(kinds);
  }

  private void run(int... kinds) {
    long begin = System.nanoTime();
    List<Bundle> bundles = new ArrayList<>();
    for (int i = 0; i < WORKERS; i++) {
      Bundle bundle = verb.bundle().apply(bed.bundle());
      bundle.write();
      bundles.add(bundle);
    }
    List<Fault> faults = faults(bundles.get(0), kinds);
    AtomicInteger next = new AtomicInteger();
    List<Thread> workers = new ArrayList<>();
    for (Bundle bundle : bundles) {
      workers.add(
          Thread.ofPlatform()
              .start(
                  () -> {
                    for (int i = next.getAndIncrement();
                        i < faults.size() && problems.size() < MOST_TOLD;
                        i = next.getAndIncrement()) {
                      attempt(faults.get(i), bundle);
                    }
                  }));
    }
    for (Thread worker : workers) {
      try {
        worker.join();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
    System.out.printf(
        "faults: %s %s: %d, of which %d tolerated and %d not come to, %.1f s%n",
        verb.name(),
        kinds[0] == Fault.KILL ? "killed" : "failed",
        faults.size(),
        tolerated.get(),
        missed.get(),
        (System.nanoTime() - begin) / 1e9);
    if (!problems.isEmpty()) {
      throw new AssertionError(problems.size() + " faults:\n" + String.join("\n", problems));
    }
  }

  private List<Fault> faults(Bundle bundle, int... kinds) {
    // Once without: the first container makes what all share, such as the state root.
    verb.before().accept(bed, bundle);
    verb.command().apply(bed, bundle).execute().ok();
    clean(bundle);
    verb.before().accept(bed, bundle);
    Fault.Outcome clean = Fault.count(verb.command().apply(bed, bundle));
    clean.result().ok();
    clean(bundle);
    List<Fault> faults = new ArrayList<>();
    for (int i = 0; i < clean.calls().size(); i++) {
      Fault call = clean.calls().get(i);
      for (int k = 0; k < kinds.length; k++) {
        Fault fault = call.with(kinds[k]);
        boolean turn = kinds.length == 1 ? i % STRIDE == 0 : i % kinds.length == k;
        boolean taken = i / STRIDE % ONE_IN == 0 || call.path().startsWith("/sys/fs/cgroup");
        if (!Tolerated.pointless(fault) && (ALL || turn && taken)) {
          faults.add(fault);
        }
      }
    }
    return faults;
  }

  private void attempt(Fault fault, Bundle bundle) {
    String id = bundle.id();
    try {
      one(fault, bundle);
    } catch (RuntimeException | AssertionError e) {
      problems.add("  " + verb.name() + " " + fault + ": " + e.getMessage());
      bed.oci("delete", "--force", id).execute();
      Cgroups.here().named(bundle.cgroupsPath()).forEach(Cgroups::destroy);
      removePidFile(bundle);
    }
  }

  private void one(Fault fault, Bundle bundle) {
    verb.before().accept(bed, bundle);
    List<String> before = files(bundle);
    Fault.Outcome outcome = fault.in(verb.command().apply(bed, bundle));
    boolean other = outcome.hit() && Tolerated.pointless(outcome.calls().get(0).with(fault.what()));
    if (!outcome.hit() || other) {
      // Not every run makes the same calls: a process is waited for more or less often.
      missed.incrementAndGet();
    } else if (fault.what() != Fault.KILL) {
      check(outcome.calls().get(0).with(fault.what()), outcome);
      if (outcome.result().exitCode() != 0) {
        checkNothingLeft(outcome, bundle, before);
      }
    }
    Result deleted = bed.oci("delete", "--force", bundle.id()).execute();
    if (deleted.exitCode() != 0) {
      throw new AssertionError("delete --force: " + deleted.stderr());
    }
    nothingOf(bundle, "after delete --force");
    removePidFile(bundle);
    same(before, files(bundle));
  }

  private void check(Fault fault, Fault.Outcome outcome) {
    Result result = outcome.result();
    if (result.exitCode() == 0) {
      String reason = Tolerated.reason(verb.name(), fault);
      if (reason == null) {
        throw new AssertionError("succeeds all the same");
      }
      tolerated.incrementAndGet();
      return;
    }
    String text = result.stderr();
    if (text.contains("internal error") || killed(result.exitCode())) {
      throw new AssertionError("exit code " + result.exitCode() + ": " + text);
    }
    String reason = Tolerated.untold(fault);
    boolean named = text.contains(Tolerated.spelling(fault.name()) + "(");
    if ((!named || !text.contains(fault.errno())) && reason == null) {
      throw new AssertionError("the error does not name the call: " + text);
    }
  }

  /** 255 is how exec fails. */
  private static boolean killed(int exitCode) {
    return exitCode >= 126 && exitCode != 255;
  }

  private void checkNothingLeft(Fault.Outcome outcome, Bundle bundle, List<String> before) {
    if (!outcome.left().isEmpty()) {
      throw new AssertionError("processes are left: " + outcome.left());
    }
    same(before, files(bundle));
    if (verb.makes()) {
      nothingOf(bundle, "after the error " + outcome.result().stderr());
    }
  }

  private void nothingOf(Bundle bundle, String when) {
    List<String> left = new ArrayList<>();
    Cgroups.here().named(bundle.cgroupsPath()).forEach(c -> left.add("cgroup " + c));
    if (Files.exists(bed.stateRoot().resolve(bundle.id()))) {
      left.add("state");
    }
    Cgroups.read(Path.of("/proc/self/mountinfo"))
        .lines()
        .filter(l -> l.contains(bundle.id()) || l.contains(bundle.directory() + "/"))
        .forEach(l -> left.add("mount " + l));
    if (!left.isEmpty()) {
      throw new AssertionError("left " + when + ": " + left);
    }
  }

  private static void same(List<String> before, List<String> after) {
    List<String> more = new ArrayList<>(after);
    more.removeAll(before);
    List<String> less = new ArrayList<>(before);
    less.removeAll(after);
    if (!more.isEmpty() || !less.isEmpty()) {
      throw new AssertionError("files that came: " + more + ", and went: " + less);
    }
  }

  /** The bundle's files with what can be told of each. */
  private static List<String> files(Bundle bundle) {
    try (Stream<Path> tree = Files.walk(bundle.directory())) {
      List<String> lines = new ArrayList<>();
      for (Path p : tree.toList()) {
        var attributes =
            Files.readAttributes(p, "unix:mode,size,rdev,uid", LinkOption.NOFOLLOW_LINKS);
        boolean own = p.equals(bundle.directory());
        lines.add(p + " " + (own ? "" : attributes));
      }
      return lines;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void clean(Bundle bundle) {
    bed.oci("delete", "--force", bundle.id()).execute().ok();
    removePidFile(bundle);
  }

  /** The caller's file: only he knows where it is, and with SIGKILL the half of it may be left. */
  private static void removePidFile(Bundle bundle) {
    remove(bundle.directory().resolve("pid"));
    remove(bundle.directory().resolve(".pid.coracle"));
  }

  private static void remove(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
