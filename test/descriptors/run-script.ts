import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { onTestFinished } from "vitest";
import { repository } from "../helpers/paths.ts";

/** The result of a script. */
export interface Outcome {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: Buffer;
  stderr: string;
}

/**
 * Bundles TypeScript for a separate Node process. It is for actions that would end the test
 * process, such as a fatal signal or the use of all descriptors. Imports are relative to
 * src/descriptors. Returns the path of the module, which is removed after the test.
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

/**
 * Bundles like build.mjs, but with the absolute path of koffi, because the bundle may be in any
 * directory.
 */
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

/** Starts Node with a module; killed after the test. */
export function start(module: string, args: readonly string[] = [], options: SpawnOptions = {}): ChildProcess {
  const child = spawn(process.execPath, [module, ...args], options);
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  return child;
}

/** Resolves when the process has ended and its pipes are drained. */
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

/** Bundles and runs a script, and waits for its end. */
export async function runScript(source: string, args: readonly string[] = []): Promise<Outcome> {
  return outcome(start(await bundleScript(source), args, { stdio: ["ignore", "pipe", "pipe"] }));
}
