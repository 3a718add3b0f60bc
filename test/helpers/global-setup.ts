import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, statSync } from "node:fs";
import type { TestProject } from "vitest/node";
import { type Daemon, startDocker, startPodman, startRootlessDocker, startRootlessPodman } from "./daemons.ts";
import { setEnvironment } from "./environment.ts";
import { isOfAnotherKind, type Need, needs, whyMissing } from "./machine.ts";
import { repository } from "./paths.ts";
import { removeDirectory } from "./remove-directory.ts";
import { type Variant, variants } from "./variants.ts";

/** Properties of the run for every test process; see availability.ts. */
export interface Machine {
  /**
   * A directory for the whole run, mode 0711, its path short enough for sockets; removed at the
   * end.
   */
  directory: string;
  /** The static program of test/fixtures/workload.c. */
  workload: string;
  /** Sockets of the engines that run. */
  sockets: Partial<Record<Need, string>>;
  /** Requirements that are not available, with reasons. */
  missing: Partial<Record<Need, string>>;
  /** The name of the engine under test in variants.ts, if it is not the distribution's. */
  variant: string | undefined;
  /**
   * The name of the engine under test in docs/compatibility.md, if it is not the distribution's.
   */
  title: string | undefined;
  /** True if `docker` is Podman's Docker-compatible API. */
  isPodman: boolean;
}

declare module "vitest" {
  export interface ProvidedContext {
    machine: Machine;
  }
}

const engines: Partial<Record<Need, (directory: string) => Promise<Daemon>>> = {
  docker: (directory) => startDocker(`${directory}/docker`),
  remappedDocker: (directory) => startDocker(`${directory}/remapped`, { remap: true }),
  podman: (directory) => startPodman(`${directory}/podman`),
  rootlessDocker: (directory) => startRootlessDocker(`${directory}/rd`),
  rootlessPodman: (directory) => startRootlessPodman(`${directory}/rp`),
};

/** The `describe` functions of availability.ts that imply a requirement. */
const shorthands: Partial<Record<Need, string>> = {
  docker: "describeWithDocker(",
  podman: "describeWithPodman(",
  root: "describeAsRoot(",
};

/**
 * Runs once per vitest run. Checks the requirements of the selected test files, starts the required
 * engines once for all files, and reports what will be skipped. PORTHOLE_TEST_ENGINES=required
 * makes a missing requirement a failure; =none starts no engine. Returns the teardown, which stops
 * every engine.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  setEnvironment();
  const directory = mkdtempSync("/tmp/pt-");
  chmodSync(directory, 0o711);
  const daemons: Daemon[] = [];
  const teardown = async () => {
    await Promise.all(daemons.map((daemon) => daemon.stop()));
    removeDirectory(directory);
  };
  try {
    const variant = variants.find(({ name }) => name === project.name);
    const machine: Machine = {
      ...{ directory, workload: compileWorkload(directory), sockets: {}, missing: {} },
      ...{ variant: variant?.name, title: variant?.title, isPodman: variant?.isPodman === true },
    };
    const needed = await wanted(project);
    const own = needed.filter((need) => !variant?.needs.includes(need));
    await Promise.all(own.map((need) => provide(need, machine, daemons)));
    if (variant === undefined) tellOfCurrentEngines(needed, machine);
    else if (own.length < needed.length) await provideVariant(variant, machine, daemons);
    report(machine);
    project.provide("machine", machine);
  } catch (error) {
    await teardown();
    throw error;
  }
  return teardown;
}

/**
 * Returns the requirements of the selected test files, read from their text. In watch mode it
 * returns all, because the selection changes.
 */
async function wanted(project: TestProject): Promise<Need[]> {
  if (project.vitest.config.watch) return [...needs];
  // Not part of vitest's typed interface. Without it all test files count, and more engines start
  // than needed.
  const filters = Reflect.get(project.vitest, "filenamePattern") as string[] | undefined;
  const { testFiles } = await project.globTestFiles(filters?.map((filter) => filter.replace(/:\d+$/, "")));
  const texts = testFiles.map((file) => readFileSync(file, "utf8"));
  return needs.filter((need) =>
    texts.some(
      (text) =>
        (text.includes("describeWith(") && text.includes(`"${need}"`)) || text.includes(shorthands[need] ?? "\0"),
    ),
  );
}

async function provide(need: Need, machine: Machine, daemons: Daemon[]): Promise<void> {
  const reason = whyMissing(need);
  if (reason !== undefined) {
    machine.missing[need] = reason;
    return;
  }
  const start = engines[need];
  if (start === undefined) return;
  const given = process.env.PORTHOLE_TEST_DOCKER_HOST;
  if (need === "docker" && given) {
    machine.sockets.docker = given.replace(/^unix:\/\//, "");
    return;
  }
  try {
    const daemon = await start(machine.directory);
    daemons.push(daemon);
    machine.sockets[need] = daemon.socket;
  } catch (error) {
    machine.missing[need] = `it did not start: ${(error as Error).message}`;
  }
}

/** Starts the engine of a project, which provides several requirements. */
async function provideVariant(variant: Variant, machine: Machine, daemons: Daemon[]): Promise<void> {
  const reason = whyMissing(variant.isPodman ? "podman" : "docker");
  const outcome =
    reason ?? (await variant.start(machine.directory).catch((error: Error) => `it did not start: ${error.message}`));
  if (typeof outcome !== "string") daemons.push(outcome);
  for (const need of variant.needs)
    if (typeof outcome === "string") machine.missing[need] = `${variant.title}: ${outcome}`;
    else machine.sockets[need] = outcome.socket;
}

/**
 * Reports that the current engines were not tested if they are missing: no project requires them.
 */
function tellOfCurrentEngines(needed: readonly Need[], machine: Machine): void {
  const reason = needed.includes("docker") ? whyMissing("currentEngines") : undefined;
  if (reason !== undefined) machine.missing.currentEngines = reason;
}

function report({ missing }: Machine): void {
  const lines = Object.entries(missing).map(([need, reason]) => `  ${need}: ${reason}`);
  if (lines.length === 0) return;
  const isToBeHad = (Object.keys(missing) as Need[]).some((need) => !isOfAnotherKind(need));
  if (process.env.PORTHOLE_TEST_ENGINES === "required" && isToBeHad)
    throw new Error(`PORTHOLE_TEST_ENGINES=required, but these are missing:\n${lines.join("\n")}`);
  process.stderr.write(`\nSKIPPED because a requirement is missing: the tests with\n${lines.join("\n")}\n\n`);
}

function compileWorkload(directory: string): string {
  const source = `${repository}test/fixtures/workload.c`;
  const product = `${directory}/workload`;
  const flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-O1", "-static", "-s", "-o", product, source];
  for (const compiler of ["musl-gcc", "cc"]) {
    const { status, stderr, error } = spawnSync(compiler, flags, { encoding: "utf8" });
    if (error) continue;
    if (status !== 0) throw new Error(`${compiler} could not compile ${source}:\n${stderr}`);
    chmodSync(product, 0o755);
    if (statSync(product).size > 0) return product;
  }
  throw new Error("no C compiler for the tests' container program: apt-get install gcc libc6-dev");
}
