// The versions of Node that the package is tested with, from npm packages. `node scripts/nodes.mjs`
// downloads missing versions and prints the paths of their programs.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The minimum version, and the newest of each supported line. */
export const NODES = { floor: "20.19.0", 22: "22.23.3", 24: "24.21.0" };

const root = fileURLToPath(new URL("../", import.meta.url));

/**
 * Returns the path of each version's program. Downloads a missing version from the npm registry
 * into build/nodes.
 * @throws Error with npm's message if a version is not available
 */
export function nodePrograms() {
  return Object.fromEntries(Object.entries(NODES).map(([name, version]) => [name, nodeProgram(version)]));
}

function nodeProgram(version) {
  const folder = `${root}build/nodes/${version}`;
  const name = `node-linux-${process.arch}`;
  const program = `${folder}/node_modules/${name}/bin/node`;
  if (existsSync(program)) return program;
  const flags = ["--no-save", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  const { status, stderr } = spawnSync("npm", ["install", "--prefix", folder, ...flags, `${name}@${version}`], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`Node ${version} could not be fetched: ${stderr.trim()}`);
  return program;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(nodePrograms());
