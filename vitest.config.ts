import { defineConfig } from "vitest/config";
import { CompatibilityReporter } from "./test/helpers/compatibility-reporter.ts";
import { whyMissing } from "./test/helpers/machine.ts";
import { SkippedReporter } from "./test/helpers/skipped-reporter.ts";
import { CURRENT_ENGINES, filesOver, variants } from "./test/helpers/variants.ts";

const include = ["test/**/*.test.ts", "test/**/*.test.tsx"];
// In each project, not at the top level: at the top level it would start every engine again.
const globalSetup = ["test/helpers/global-setup.ts"];
// Files that share one process: a process for each would take longer to start than most of them to
// run. They must not count descriptors of their own process or change its state. Without engines,
// this includes the tests of engines, which are only loaded and skipped.
const isWithoutEngine = whyMissing("docker") !== undefined && whyMissing("podman") !== undefined;
const rooms = [
  ...["text", "protocol", "tui", "engines", "routes", "files", "follow", "elsewhere", "kubectl", "cli", "bench"],
  ...(isWithoutEngine ? ["docker"] : []),
];
const together = rooms.flatMap((room) => include.map((files) => files.replace("**", `${room}/**`)));
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
    setupFiles: ["test/helpers/each-file.ts"],
    // Tests use real namespaces, engines and terminals. A test fails by its own deadline; this
    // timeout only ends a hang.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    // A screen changes some time after the input, so tests of screens poll until this timeout.
    expect: { poll: { timeout: 120_000, interval: 20 } },
    pool: "forks",
    // Without engines a quarter of the time is waiting, for example for an agent to become idle.
    maxWorkers: isWithoutEngine ? 3 : 2,
  },
});
