package dev.coracle.property.linux.resources;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.json.Json;
import dev.coracle.json.JsonException;
import dev.coracle.json.JsonParser;
import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.problem.Problems;
import dev.coracle.property.linux.CgroupsPath;
import dev.coracle.spec.Resources;
import dev.coracle.spec.Resources.DeviceRule;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ResourcesReaderTest {
  private final Problems problems = new Problems();

  private Members linux(String json) {
    try {
      Json.Obj object = (Json.Obj) JsonParser.parse(json.replace('\'', '"').getBytes(UTF_8));
      return new Members(object, Pointer.of("/linux"), problems);
    } catch (JsonException e) {
      throw new AssertionError(e);
    }
  }

  private @Nullable Resources read(String json) {
    return ResourcesReader.read(linux("{'resources':" + json + "}"));
  }

  private String errors(String json) {
    read(json);
    return problems.errorText();
  }

  @Test
  void absent() {
    assertThat(ResourcesReader.read(linux("{}"))).isNull();
    assertThat(read("{}")).isEqualTo(new Resources(List.of(), null, null, null));
    assertThat(problems.all()).isEmpty();
  }

  @Test
  void whatDockerWritesForNothing() {
    Resources r =
        read(
            "{'devices':[{'allow':false,'access':'rwm'},"
                + "{'allow':true,'type':'c','major':1,'minor':5,'access':'rwm'},"
                + "{'allow':true,'type':'b','major':-1,'access':'m'}],"
                + "'memory':{'disableOOMKiller':false},'cpu':{'shares':0},'pids':{'limit':0},"
                + "'blockIO':{'weight':0,'weightDevice':[]},'network':{},'hugepageLimits':[],"
                + "'rdma':{},'unified':null}");
    assertThat(problems.all()).isEmpty();
    assertThat(r)
        .isEqualTo(
            new Resources(
                List.of(
                    new DeviceRule(false, 'a', null, null, "rwm"),
                    new DeviceRule(true, 'c', 1L, 5L, "rwm"),
                    new DeviceRule(true, 'b', null, null, "m")),
                new Resources.Memory(null, null, null, null, null, null, false, false),
                new Resources.Cpu(null, null, null, null, null, null, null, null, null),
                0L,
                new Resources.BlockIo(
                    null, null, List.of(), List.of(), List.of(), List.of(), List.of()),
                List.of(),
                null,
                List.of(),
                Map.of()));
  }

  @Test
  void everything() {
    Resources r =
        read(
            "{'memory':{'limit':10,'reservation':-1,'swap':20,'kernel':3,'kernelTCP':4,"
                + "'swappiness':0,'disableOOMKiller':true,'checkBeforeUpdate':true,"
                + "'useHierarchy':true},"
                + "'cpu':{'shares':18446744073709551615,'quota':-1,'burst':5,'period':1000,"
                + "'realtimeRuntime':7,'realtimePeriod':8,'cpus':'0-3,7','mems':'','idle':1},"
                + "'pids':{'limit':-1}}");
    assertThat(problems.all()).isEmpty();
    assertThat(r)
        .isEqualTo(
            new Resources(
                List.of(),
                new Resources.Memory(10L, -1L, 20L, 3L, 4L, 0L, true, true),
                new Resources.Cpu(-1L, -1L, 5L, 1000L, 7L, 8L, "0-3,7", null, 1L),
                -1L));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'memory':{'limit':-2}}|/memory/limit: must be from -1 to",
        "{'memory':{'swap':5}}|/memory/swap: needs /linux/resources/memory/limit",
        "{'memory':{'limit':6,'swap':5}}|/memory/swap: must not be below the memory limit of 6",
        "{'memory':{'limit':-1,'swap':5}}|/memory/swap: needs a limit of memory",
        "{'memory':{'swappiness':101}}|/memory/swappiness: must be from 0 to 100, not 101",
        "{'memory':{'useHierarchy':false}}|/memory/useHierarchy: cannot be false",
        "{'memory':[]}|/memory: must be an object",
        "{'cpu':{'burst':6000,'quota':5000}}|/cpu/burst: must not be above the quota of 5000",
        "{'cpu':{'quota':999}}|/cpu/quota: must be at least 1000",
        "{'cpu':{'period':999}}|/cpu/period: must be from 1000 to 1000000",
        "{'cpu':{'period':1000001}}|/cpu/period: must be from 1000 to 1000000",
        "{'cpu':{'idle':2}}|/cpu/idle: must be from 0 to 1",
        "{'cpu':{'shares':-1}}|/cpu/shares: must not be negative",
        "{'cpu':{'cpus':'0 1'}}|/cpu/cpus: must be a list like",
        "{'cpu':{'mems':'a'}}|/cpu/mems: must be a list like",
        "{'cpu':{'realtimeRuntime':9,'realtimePeriod':8}}|/cpu/realtimeRuntime: must not be above",
        "{'pids':{'limit':'x'}}|/pids/limit: must be a whole number",
        "{'devices':[{'allow':true,'access':'r'},{'access':'r'}]}|/devices/1/allow: is required",
        "{'devices':[{'allow':true}]}|/devices/0/access: is required",
        "{'devices':[{'allow':true,'access':''}]}|/devices/0/access: must be of the letters",
        "{'devices':[{'allow':true,'access':'a'}]}|/devices/0/access: must be of the letters",
        "{'devices':[{'allow':true,'access':'r','type':'u'}]}|/devices/0/type: must be a, b or c",
        "{'devices':[{'allow':true,'access':'r','major':-2}]}|/devices/0/major: must be from -1",
        "{'devices':[{'allow':true,'access':'r','major':4096}]}|/devices/0/major: must be from -1",
        "{'devices':[{'allow':true,'access':'r','minor':1048576}]}|/devices/0/minor: must be from",
      })
  void wrong(String json, String error) {
    assertThat(errors(json)).startsWith("config.json /linux/resources" + error);
    assertThat(problems.all()).hasSize(1);
  }

  @Test
  void otherLettersOfAnAccessAreLeftOutWithAWarning() {
    assertThat(String.valueOf(read("{'devices':[{'allow':true,'access':'rwa'}]}")))
        .contains("access=rw]");
    assertThat(problems.hasErrors()).isFalse();
    assertThat(problems.warningText())
        .startsWith("config.json /linux/resources/devices/0/access: must be of the letters r, w")
        .contains("\"rwa\"");
  }

  @Test
  void anUpdateOfSwapNeedsNoLimitBesideIt() {
    Members resources = linux("{'memory':{'swap':5}}");
    assertThat(ResourcesReader.readUpdate(resources).memory()).isNotNull();
    assertThat(problems.all()).isEmpty();
  }

  @Test
  void swappinessThatIsNotSet() {
    Resources r = read("{'memory':{'swappiness':18446744073709551615}}");
    assertThat(problems.all()).isEmpty();

    assertThat(String.valueOf(r)).contains("swappiness=null");
  }

  @Test
  void cgroupsPath() {
    assertThat(CgroupsPath.read(linux("{}"))).isNull();
    assertThat(CgroupsPath.read(linux("{'cgroupsPath':''}"))).isNull();
    assertThat(CgroupsPath.read(linux("{'cgroupsPath':'/a/b'}"))).isEqualTo("/a/b");
    assertThat(problems.all()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"/a/../b", "/", "a\\nb", "a\\u0000b"})
  void wrongCgroupsPath(String path) {
    CgroupsPath.read(linux("{'cgroupsPath':'" + path + "'}"));
    assertThat(problems.errorText()).startsWith("config.json /linux/cgroupsPath: ");
    assertThat(problems.all()).hasSize(1);
  }
}
