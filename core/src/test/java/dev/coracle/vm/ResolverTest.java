package dev.coracle.vm;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ResolverTest {
  @Test
  void itIsFoundInAResolvConf() {
    assertThat(Resolver.isNamedIn("search x\nnameserver 127.0.0.11\noptions ndots:0\n")).isTrue();
    assertThat(Resolver.isNamedIn("nameserver\t127.0.0.11")).isTrue();
    assertThat(Resolver.isNamedIn("nameserver 9.9.9.9\nnameserver  127.0.0.11 ")).isTrue();
    for (String other :
        new String[] {
          "",
          "\n\n",
          "nameserver",
          "nameserver 127.0.0.1",
          "nameserver 127.0.0.110",
          "#nameserver 127.0.0.11",
          " 127.0.0.11",
          "nameserver 10.0.0.1\nsearch 127.0.0.11"
        }) {
      assertThat(Resolver.isNamedIn(other)).as(other).isFalse();
    }
  }

  @Test
  void itsAddressIsAsTheKernelReadsIt() {
    assertThat(Resolver.address())
        .containsExactly(2, 0, 0, 53, 127, 0, 0, 11, 0, 0, 0, 0, 0, 0, 0, 0);
  }
}
