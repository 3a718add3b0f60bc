// Runs before `npm pack`: builds all files of the package, and checks that they exist. npm runs it.
// An installation of the package runs no script.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

process.chdir(fileURLToPath(new URL("../", import.meta.url)));

run("node", "build.mjs");
run("scripts/prebuild-agents.sh");
const missing = promised().filter((path) => !existsSync(path));
if (missing.length > 0) fail(`package.json names missing files: ${missing.join(", ")}`);

function promised() {
  const { bin, man, exports } = JSON.parse(readFileSync("package.json", "utf8"));
  const entries = Object.values(exports).flatMap((entry) => (typeof entry === "string" ? entry : Object.values(entry)));
  const agents = ["x64", "arm64"].map((name) => `agent/prebuilt/${name}/porthole-agent`);
  return [...Object.values(bin), ...man, ...entries, ...agents];
}

function run(command, ...args) {
  // The caller of npm may parse npm's standard output: write to stderr.
  const { status, error } = spawnSync(command, args, { stdio: ["ignore", 2, 2] });
  if (error) fail(`${command} did not start: ${error.message}`);
  if (status !== 0) fail(`${command} ${args.join(" ")} failed; its output is above`);
}

function fail(text) {
  process.stderr.write(`porthole: ${text}\n`);
  process.exit(1);
}
