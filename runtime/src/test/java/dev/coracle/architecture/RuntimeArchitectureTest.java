package dev.coracle.architecture;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaMethodCall;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.nio.file.Path;
import java.util.Set;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.Test;

/** What the sources of runtime may use, with the reason beside each ban. */
class RuntimeArchitectureTest {
  private static final JavaClasses CLASSES =
      new ClassFileImporter().importPath(Path.of("target/classes"));

  private static final Set<String> REGEX_OR_LOCALE =
      Set.of(
          "format",
          "formatted",
          "matches",
          "replaceAll",
          "replaceFirst",
          "split",
          "toLowerCase",
          "toUpperCase",
          "chars",
          "codePoints",
          "lines");

  @Test
  void noInputAndOutput() {
    noClasses()
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "java.io..", "java.net..", "java.nio.file..", "java.nio.channels..", "jdk..", "sun..")
        .because(
            "the kernel is reached through its interface alone, so that a double can stand in for it")
        .check(CLASSES);
  }

  @Test
  void noClockEnvironmentOrProcess() {
    noClasses()
        .should(callMethod("System", (owner, name) -> isSystem(owner, name)))
        .orShould()
        .accessField(System.class, "out")
        .orShould()
        .accessField(System.class, "err")
        .orShould()
        .dependOnClassesThat()
        .haveFullyQualifiedName("java.lang.Runtime")
        .because(
            "the clock and the environment come through the kernel; in the native binary getenv is null")
        .check(CLASSES);
  }

  @Test
  void noThreads() {
    noClasses()
        .should()
        .dependOnClassesThat()
        .resideInAPackage("java.util.concurrent..")
        .orShould()
        .dependOnClassesThat()
        .haveFullyQualifiedName("java.lang.Thread")
        .orShould()
        .dependOnClassesThat()
        .haveFullyQualifiedName("java.lang.ThreadLocal")
        .because(
            "after clone3 without CLONE_VM a child has one thread; nobody else may hold a lock")
        .check(CLASSES);
  }

  @Test
  void noReflection() {
    noClasses()
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("java.lang.reflect..", "java.lang.invoke..")
        .orShould(callMethod("Class", (owner, name) -> owner.equals("java.lang.Class")))
        .because("TeaVM compiles what it can see, and reflection keeps all the rest alive")
        .check(CLASSES);
  }

  @Test
  void noRegexStreamsFormatOrTime() {
    noClasses()
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("java.util.regex..", "java.util.stream..", "java.time..", "java.text..")
        .orShould()
        .dependOnClassesThat()
        .haveFullyQualifiedName("java.util.Locale")
        .orShould()
        .dependOnClassesThat()
        .haveFullyQualifiedName("java.util.Formatter")
        .orShould(callMethod("String", RuntimeArchitectureTest::isRegexOrLocale))
        .because(
            "their tables are start-up cost: with them the binary was 1.2 MB and started in 0.87 ms,"
                + " without them 0.2 MB and 0.14 ms (reference/teavm.md)")
        .check(CLASSES);
  }

  @Test
  void noCompilerToC() {
    noClasses()
        .should()
        .dependOnClassesThat()
        .resideInAPackage("org.teavm..")
        .because("only the module native knows that there is TeaVM")
        .check(CLASSES);
  }

  @Test
  void onlyTheExecutorAndTheVerbsAct() {
    noClasses()
        .that()
        .resideOutsideOfPackages(
            "dev.coracle.cli..", "dev.coracle.lifecycle..", "dev.coracle.guest..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("dev.coracle.cli..", "dev.coracle.lifecycle..")
        .because("verbs use the executor and the state on disk, and not the other way round")
        .check(CLASSES);
  }

  @Test
  void noCyclesBetweenPackages() {
    slices().matching("dev.coracle.(*)..").should().beFreeOfCycles().check(CLASSES);
    slices().matching("dev.coracle.(**)").should().beFreeOfCycles().check(CLASSES);
  }

  @Test
  void everyPackageIsNullMarked() {
    classes().should(beInNullMarkedPackage()).check(CLASSES);
  }

  private interface Named {
    boolean matches(String owner, String name);
  }

  private static boolean isSystem(String owner, String name) {
    return owner.equals("java.lang.System") && !name.equals("arraycopy");
  }

  private static boolean isRegexOrLocale(String owner, String name) {
    return owner.equals("java.lang.String") && REGEX_OR_LOCALE.contains(name);
  }

  private static ArchCondition<JavaClass> callMethod(String what, Named banned) {
    return new ArchCondition<>("call a banned method of " + what) {
      @Override
      public void check(JavaClass item, ConditionEvents events) {
        for (JavaMethodCall call : item.getMethodCallsFromSelf()) {
          boolean bad = banned.matches(call.getTargetOwner().getFullName(), call.getName());
          events.add(new SimpleConditionEvent(call, bad, call.getDescription()));
        }
      }
    };
  }

  private static ArchCondition<JavaClass> beInNullMarkedPackage() {
    return new ArchCondition<>("be in a package that is @NullMarked") {
      @Override
      public void check(JavaClass item, ConditionEvents events) {
        boolean marked = item.getPackage().isAnnotatedWith(NullMarked.class);
        String message = item.getPackageName() + " is not @NullMarked";
        events.add(new SimpleConditionEvent(item, marked, message));
      }
    };
  }
}
