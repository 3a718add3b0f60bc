import { defineConfig } from "vitest/config";
import { CompatibilityReporter } from "./test/helpers/compatibility-reporter.ts";
import { SkippedReporter } from "./test/helpers/skipped-reporter.ts";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts", "test/**/*.test.tsx"],
    reporters: ["default", new SkippedReporter(), new CompatibilityReporter()],
    globalSetup: ["test/helpers/global-setup.ts"],
    setupFiles: ["test/helpers/environment.ts"],
    // Real namespaces, engines and terminals: a test fails by its own deadline, this one only ends a hang.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    pool: "forks",
    maxWorkers: 2,
  },
});
