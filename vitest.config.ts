import { defineConfig } from "vitest/config";
import { CompatibilityReporter } from "./test/helpers/compatibility-reporter.ts";
import { whyMissing } from "./test/helpers/machine.ts";
import { SkippedReporter } from "./test/helpers/skipped-reporter.ts";
import { CURRENT_ENGINES, filesOver, variants } from "./test/helpers/variants.ts";

const include = ["test/**/*.test.ts", "test/**/*.test.tsx"];
// In each project, not above them: there it would start every engine once more.
const globalSetup = ["test/helpers/global-setup.ts"];
// Pure code, and tests of engines where there is none, which are only read and skipped: one process
// runs them all, since starting one for each file takes longer than most of these tests.
const isWithoutEngine = whyMissing("docker") !== undefined && whyMissing("podman") !== undefined;
const together = [
  "test/text/**/*.test.ts",
  "test/protocol/**/*.test.ts",
  "test/tui/**/*.test.tsx",
  ...(isWithoutEngine ? ["test/docker/**/*.test.ts"] : []),
];
const available = variants.filter(() => process.env[CURRENT_ENGINES] !== undefined);

export default defineConfig({
  test: {
    projects: [
      { extends: true, test: { name: "debian", include, exclude: together, globalSetup } },
      { extends: true, test: { name: "together", include: together, isolate: false, globalSetup } },
      ...available.map((variant) => ({
        extends: true as const,
        test: { name: variant.name, include: filesOver(variant), globalSetup },
      })),
    ],
    reporters: ["default", new SkippedReporter(), new CompatibilityReporter()],
    setupFiles: ["test/helpers/environment.ts"],
    // Real namespaces, engines and terminals: a test fails by its own deadline, this one only ends a hang.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    // A screen shows what it is asked for when it gets round to it: what a test expects of one is looked for until then.
    expect: { poll: { timeout: 120_000, interval: 20 } },
    pool: "forks",
    maxWorkers: 2,
  },
});
