package dev.coracle.architecture;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.constructors;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaMethodCall;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import dev.coracle.cgroup.CgroupSteps;
import dev.coracle.kernel.Errno;
import dev.coracle.plan.PlanBuilder;
import dev.coracle.plan.Step;
import dev.coracle.problem.Origin;
import dev.coracle.property.Mounts;
import dev.coracle.property.linux.resources.ResourcesReader;
import java.lang.reflect.RecordComponent;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.Test;

/** What the sources of core may use, with the reason beside each ban. */
class CoreArchitectureTest {
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
        .because("the core is pure: it runs on any JVM without root, and is tested there")
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
            "one bundle and one host must give one plan; and in the native binary getenv is null")
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
        .orShould(callMethod("String", CoreArchitectureTest::isRegexOrLocale))
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
  void onlyErrorNumbersOfTheKernel() {
    noClasses()
        .that()
        .resideOutsideOfPackage("dev.coracle.kernel..")
        .should()
        .dependOnClassesThat(
            DescribedPredicate.describe(
                "are of dev.coracle.kernel, but for Errno",
                c ->
                    c.getPackageName().equals("dev.coracle.kernel")
                        && !c.isEquivalentTo(Errno.class)))
        .because("everything left of the executor is pure; a step states the errors it tolerates")
        .check(CLASSES);
  }

  @Test
  void propertiesDoNotDependOnEachOther() {
    classes()
        .that()
        .resideInAPackage("dev.coracle.property..")
        .and()
        // It assembles the properties of /linux/resources, for update reads them without a config.
        .areNotAssignableTo(ResourcesReader.class)
        .should(dependOnNoOtherProperty())
        .because("a property is understood, changed and removed alone")
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

  @Test
  void onlyBuildersMakeSteps() {
    constructors()
        .that()
        .areDeclaredIn(Step.class)
        .should()
        .onlyBeCalled()
        .byClassesThat()
        .belongToAnyOf(PlanBuilder.class, CgroupSteps.class)
        .because("both ask for an origin")
        .check(CLASSES);
  }

  @Test
  void everyStepHasAnOrigin() {
    RecordComponent[] components = Step.class.getRecordComponents();
    assertThat(components)
        .as("components of Step")
        .anyMatch(
            c -> c.getType() == Origin.class && c.getAnnotatedType().getAnnotations().length == 0);
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

  private static ArchCondition<JavaClass> dependOnNoOtherProperty() {
    // The options of /mounts and their destinations are of nothing else: one property, three files.
    String mounts = Mounts.class.getPackageName();
    List<String> oneProperty =
        Arrays.asList(
            Mounts.class.getName(), mounts + ".MountOptionTable", mounts + ".MountDestination");
    return new ArchCondition<>("depend on no other property") {
      @Override
      public void check(JavaClass item, ConditionEvents events) {
        for (Dependency d : item.getDirectDependenciesFromSelf()) {
          String from = outermost(d.getOriginClass());
          String to = outermost(d.getTargetClass());
          boolean other = to.startsWith("dev.coracle.property.") && !to.equals(from);
          boolean same = oneProperty.contains(from) && oneProperty.contains(to);
          events.add(new SimpleConditionEvent(d, !other || same, d.getDescription()));
        }
      }
    };
  }

  private static String outermost(JavaClass c) {
    String name = c.getFullName();
    int dollar = name.indexOf('$');
    return dollar < 0 ? name : name.substring(0, dollar);
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
