import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { onTestFinished } from "vitest";
import { repository } from "../helpers/paths.ts";

/** How a script ended. */
export interface Outcome {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: Buffer;
  stderr: string;
}

/**
 * Bundles TypeScript for a Node process of its own (for what a test process cannot do to itself:
 * die, run out of descriptors). Imports count from src/descriptors. Returns the path of the module,
 * which goes with the test.
 */
export async function bundleScript(source: string): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), "ps-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const outfile = join(directory, "script.mjs");
  await build({
    stdin: { contents: source, resolveDir: `${repository}src/descriptors`, loader: "ts" },
    ...bundleOptions,
    outfile,
  });
  return outfile;
}

/** As build.mjs bundles, but koffi is named by its place: the product may lie anywhere. */
export const bundleOptions = {
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20.19",
  logLevel: "warning",
  plugins: [
    {
      name: "koffi-by-path",
      setup(bundler) {
        const path = pathToFileURL(
          createRequire(import.meta.url)
            .resolve("koffi")
            .replace(/\.cjs$/, ".js"),
        ).href;
        bundler.onResolve({ filter: /^koffi$/ }, () => ({ path, external: true }));
      },
    },
  ],
} satisfies Parameters<typeof build>[0];

/** Starts Node on a module; killed with the test. */
export function start(module: string, args: readonly string[] = [], options: SpawnOptions = {}): ChildProcess {
  const child = spawn(process.execPath, [module, ...args], options);
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  return child;
}

/** Resolves when the process has ended and its pipes are read. */
export function outcome(child: ChildProcess): Promise<Outcome> {
  const stdout: Buffer[] = [];
  let stderr = "";
  child.stdout?.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr?.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status, signal) => resolve({ status, signal, stdout: Buffer.concat(stdout), stderr }));
  });
}

/** Bundles, runs and waits. */
export async function runScript(source: string, args: readonly string[] = []): Promise<Outcome> {
  return outcome(start(await bundleScript(source), args, { stdio: ["ignore", "pipe", "pipe"] }));
}
