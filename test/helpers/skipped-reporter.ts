import type { Reporter, TestCase, TestModule, TestSuite, Vitest } from "vitest/node";

/**
 * Reports skipped tests and the reasons, which availability.ts adds to the titles. A skipped test
 * without a reason is a failure with PORTHOLE_TEST_ENGINES=required. Tests that `-t` excludes are
 * ignored.
 */
export class SkippedReporter implements Reporter {
  #vitest: Vitest | undefined;

  onInit(vitest: Vitest): void {
    this.#vitest = vitest;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const filtered = this.#vitest?.getGlobalTestNamePattern() !== undefined;
    const counts = new Map<string, number>();
    let unexplained = 0;
    for (const module of modules) {
      for (const test of module.children.allTests("skipped")) {
        const suite = explainedSuite(test);
        if (suite === undefined && filtered) continue;
        if (suite === undefined) unexplained++;
        const line = `${module.relativeModuleId} > ${suite ?? `${test.fullName} (skipped: it does not say why)`}`;
        counts.set(line, (counts.get(line) ?? 0) + 1);
      }
    }
    if (counts.size === 0) return;
    const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
    const lines = [...counts].sort().map(([line, count]) => `  ${line}: ${count} test${count === 1 ? "" : "s"}`);
    process.stderr.write(`\nSKIPPED, ${total} in all:\n${lines.join("\n")}\n\n`);
    if (unexplained > 0 && process.env.PORTHOLE_TEST_ENGINES === "required") {
      process.stderr.write("PORTHOLE_TEST_ENGINES=required, but tests were skipped for no reason given: see above\n");
      process.exitCode = 1;
    }
  }
}

/** Returns the title of the suite that contains the reason why `test` is skipped. */
function explainedSuite(test: TestCase): string | undefined {
  let parent: TestSuite | TestModule = test.parent;
  while (parent.type === "suite") {
    if (parent.name.includes(" (skipped: ")) return parent.name;
    parent = parent.parent;
  }
  return undefined;
}
