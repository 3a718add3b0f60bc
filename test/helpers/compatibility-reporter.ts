import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import type { Reporter, TestModule, Vitest } from "vitest/node";
import { type CompatibilityRow, sections } from "./compatibility.ts";
import { repository } from "./paths.ts";
import { variants } from "./variants.ts";

const PAGE = "docs/compatibility.md";

/** Rows that no test on such a machine can show, with reasons. */
const ABSENT: readonly [string, string][] = [
  [
    "Docker Desktop, Colima, Lima",
    "their engine is in a virtual machine: an engine that says so stands in (test/routes/kernel.test.ts)",
  ],
  ["Kata Containers, krun", "they need hardware virtualisation: told by the runtime's name, as gVisor is"],
  [
    "SELinux or AppArmor enforcing",
    "this kernel has neither; the sidecar is created with label=disable and apparmor=unconfined",
  ],
  [
    "a unit of a running systemd",
    "it is not the first process here: a mount namespace with a /tmp of its own stands in",
  ],
  [
    "a whole machine with cgroup v2 alone",
    "this one has v1 and v2 side by side: a mount namespace that shows v2 alone stands in, with the kernel's real device rules of v2",
  ],
  [
    "a kubelet, CRI-O, k3s, cri-dockerd",
    "Debian 12 has none: containerd 1.6 and the current one serve the CRI, and the tests call it as the kubelet does, in pods of the node's network (test/docker/pods.test.ts)",
  ],
  [
    "a whole cluster, for `kubectl porthole`",
    "none runs here: two containerds with their CRI are the nodes, with the real kubectl, the manifests of docker/kubernetes and the image of `porthole image`; test/helpers/cluster simulates the API server (pods, workloads with their selectors, DaemonSets; RBAC, quotas and Pod Security only as refusals) and the kubelets (starts, states, failed pulls; no restarts), and forwards each exec to the address that the CRI returns; it starts an ephemeral container in the pod's sandbox by the CRI, with the PID namespace of its target (test/docker/kubectl-plugin.test.ts)",
  ],
  [
    "a container in state `dead`",
    "Docker makes one only when its storage fails: the answer of an engine stands in (test/engines/resolve.test.ts)",
  ],
];

/** The counts of test/peers/coreutils.mjs with its version: tests, passed, listed, skipped. */
const COREUTILS: readonly (readonly [string, number, number, number, number])[] = [
  ["tail-2/*.sh, misc/{head,cat}*.sh: tests", 39, 28, 7, 4],
  ["misc/tail.pl, misc/head.pl: cases", 183, 108, 75, 0],
  ["misc/head-elide-tail.pl: cases", 1862, 1862, 0, 0],
];

/** The counts of test/peers/ripgrep.mjs: tests, same, listed, not read. */
const RIPGREP: readonly (readonly [string, number, number, number, number])[] = [
  ["tests/*.rs: tests", 316, 299, 3, 14],
];

/**
 * Generates docs/compatibility.md from the rows that tests record (compatibility.ts).
 * PORTHOLE_COMPATIBILITY=write writes the page. Otherwise a run of all files with rows, without
 * skipped or failed tests, reports a stale page.
 */
export class CompatibilityReporter implements Reporter {
  #vitest: Vitest | undefined;

  onInit(vitest: Vitest): void {
    this.#vitest = vitest;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const incomplete = this.#whyIncomplete(modules);
    const isToBeWritten = process.env.PORTHOLE_COMPATIBILITY === "write";
    if (incomplete !== undefined) {
      if (isToBeWritten) fail(`${PAGE} was not written: ${incomplete}`);
      return;
    }
    const rows = modules.flatMap((module) =>
      [...module.children.allTests()].flatMap((test) => test.meta().compatibility ?? []),
    );
    const page = pageOf(rows);
    if (isToBeWritten) {
      writeFileSync(repository + PAGE, page);
      return;
    }
    const committed = read(repository + PAGE);
    if (committed === page) return;
    const lines = new Set(committed.split("\n"));
    const now = new Set(page.split("\n"));
    const difference = [
      ...[...lines].filter((line) => !now.has(line)).map((line) => `- ${line}`),
      ...[...now].filter((line) => !lines.has(line)).map((line) => `+ ${line}`),
    ];
    const text = `${PAGE} is not what this run saw (npm run compatibility writes it):\n${difference.join("\n")}`;
    // Not a failure: the current engines and their messages change daily.
    process.stderr.write(`\n${text}\n\n`);
  }

  #whyIncomplete(modules: readonly TestModule[]): string | undefined {
    if (this.#vitest?.getGlobalTestNamePattern() !== undefined) return "only some tests were run";
    const projects = new Set(modules.map((module) => module.project.name));
    const unseen = variants.find(({ name }) => !projects.has(name));
    if (unseen !== undefined) return `${unseen.title} was not tested`;
    const files = filesWithRows();
    for (const file of files)
      if (!modules.some((module) => module.relativeModuleId === file)) return `${file} was not run`;
    for (const module of modules.filter(({ relativeModuleId }) => files.includes(relativeModuleId))) {
      const other = [...module.children.allTests()].find((test) => test.result().state !== "passed");
      if (other === undefined) continue;
      return `'${other.fullName}' of ${module.relativeModuleId} (${module.project.name}) was ${other.result().state}`;
    }
    return undefined;
  }
}

function filesWithRows(): string[] {
  return readdirSync(`${repository}test`, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".test.ts"))
    .map((path) => `test/${path}`)
    .filter((path) => readFileSync(repository + path, "utf8").includes("helpers/compatibility.ts"));
}

/** Returns the whole page. The same rows give the same text. */
export function pageOf(rows: readonly CompatibilityRow[]): string {
  const parts = [
    "# Compatibility",
    "Written by the test run itself (`npm run compatibility`); `npm test` with every engine says when it",
    "is not current. Each row was run on Debian 12 with Linux 6.18, cgroup v1 and v2 side by side, as",
    "root or as the ordinary user that it names; `web` stands for the target. Engines with a version are",
    "Debian 12's own. The current ones are of Debian's unstable suite (`scripts/current-engines.sh`);",
    "Docker answers API 1.44 and newer only, as Docker 29 does. An engine in PID, mount and network",
    "namespaces of its own, behind a real sshd, stands in for one on another machine.",
  ];
  for (const section of sections) {
    const lines = rows.filter((row) => row.section === section).map(lineOf);
    if (lines.length === 0) continue;
    parts.push(
      "",
      `## ${section}`,
      "| situation | engine | as | command | outcome |",
      "|---|---|---|---|---|",
      ...new Set(lines.sort()),
    );
  }
  parts.push(
    "",
    "## GNU coreutils' own tests",
    "Tests of coreutils 9.1 for tail, head and cat, run by `node test/peers/coreutils.mjs DIRECTORY` on",
    "an unpacked source tree. GNU's own programs pass all that are not skipped. The listed differences,",
    "each with its reason, are in test/peers/coreutils-differences.json.",
    "",
    "| tests | all | pass | differ as listed | skipped here |",
    "|---|---|---|---|---|",
    ...COREUTILS.map((row) => `| ${row.join(" | ")} |`),
    "",
    "## ripgrep's own tests",
    "Inputs of the tests of ripgrep 15.0.0, on which `node test/peers/ripgrep.mjs DIRECTORY` runs both",
    "`porthole grep` and `rg`: the lines and the status must be the same. The listed differences, each",
    "with its reason, are in test/peers/ripgrep-differences.json. Tests that change files between two",
    "runs, use standard input or compute their arguments are not read.",
    "",
    "| tests | all | same | differ as listed | not read |",
    "|---|---|---|---|---|",
    ...RIPGREP.map((row) => `| ${row.join(" | ")} |`),
  );
  parts.push("", "## Not run here", "| situation | why, and what is tested instead |", "|---|---|");
  parts.push(...ABSENT.map(([what, why]) => `| ${what} | ${why} |`), "");
  return parts.join("\n");
}

function lineOf({ situation, on, as, command, outcome }: CompatibilityRow): string {
  const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll("\n", " ");
  return `| ${cell(situation)} | ${cell(on)} | ${as} | \`${cell(command)}\` | ${cell(outcome)} |`;
}

function fail(text: string): void {
  process.stderr.write(`\n${text}\n\n`);
  process.exitCode = 1;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
