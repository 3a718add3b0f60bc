import { defineConfig } from "vitest/config";
import { CompatibilityReporter } from "./test/helpers/compatibility-reporter.ts";
import { whyMissing } from "./test/helpers/machine.ts";
import { SkippedReporter } from "./test/helpers/skipped-reporter.ts";
import { CURRENT_ENGINES, filesOver, variants } from "./test/helpers/variants.ts";

const include = ["test/**/*.test.ts", "test/**/*.test.tsx"];
// In each project, not above them: there it would start every engine once more.
const globalSetup = ["test/helpers/global-setup.ts"];
// Without an engine these files are only read, and skipped: then one process reads them all.
const ofEngines = "test/docker/**/*.test.ts";
const isWithoutEngine = whyMissing("docker") !== undefined && whyMissing("podman") !== undefined;
const skipped = { name: "debian-engines", include: [ofEngines], isolate: false, globalSetup };
const available = variants.filter(() => process.env[CURRENT_ENGINES] !== undefined);

export default defineConfig({
  test: {
    projects: [
      { extends: true, test: { name: "debian", include, exclude: isWithoutEngine ? [ofEngines] : [], globalSetup } },
      ...(isWithoutEngine ? [{ extends: true as const, test: skipped }] : []),
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
