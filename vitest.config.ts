import { defineConfig } from "vitest/config";
import { CompatibilityReporter } from "./test/helpers/compatibility-reporter.ts";
import { whyMissing } from "./test/helpers/machine.ts";
import { SkippedReporter } from "./test/helpers/skipped-reporter.ts";
import { CURRENT_ENGINES, filesOver, variants } from "./test/helpers/variants.ts";

const include = ["test/**/*.test.ts", "test/**/*.test.tsx"];
// In each project, not above them: there it would start every engine once more.
const globalSetup = ["test/helpers/global-setup.ts"];
// Files for which one process is started, not one for each file, which takes longer than most of
// them. They must not count their own process's descriptors or change what it is. Tests of engines
// where there is none are only read and skipped.
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
    // Real namespaces, engines and terminals: a test fails by its own deadline, this one only ends a hang.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    // A screen shows what it is asked for when it gets round to it: what a test expects of one is looked for until then.
    expect: { poll: { timeout: 120_000, interval: 20 } },
    pool: "forks",
    // Without engines a quarter of the time is waiting, such as for an agent to be idle.
    maxWorkers: isWithoutEngine ? 3 : 2,
  },
});
