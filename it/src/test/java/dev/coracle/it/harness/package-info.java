/** What the tests are made of: bundles, the runtime under test, and the search for leftovers. */
@NullMarked
package dev.coracle.it.harness;

import org.jspecify.annotations.NullMarked;
