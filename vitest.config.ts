import { defineConfig } from "vitest/config";
import { CompatibilityReporter } from "./test/helpers/compatibility-reporter.ts";
import { SkippedReporter } from "./test/helpers/skipped-reporter.ts";
import { CURRENT_ENGINES, filesOver, variants } from "./test/helpers/variants.ts";

const include = ["test/**/*.test.ts", "test/**/*.test.tsx"];
const available = variants.filter(() => process.env[CURRENT_ENGINES] !== undefined);

export default defineConfig({
  test: {
    projects: [
      { extends: true, test: { name: "debian", include } },
      ...available.map((variant) => ({
        extends: true as const,
        test: { name: variant.name, include: filesOver(variant) },
      })),
    ],
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
