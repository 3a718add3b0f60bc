// Set-up and build. `npm start`, `npm test` and every other script run this first. A machine may
// have only Node and gcc, so it uses only Node's own modules until the dependencies are installed.
//
//     node build.mjs            installs and builds what is stale, with one line for each step
//     node build.mjs --force    builds everything again
import { spawnSync } from "node:child_process";
import { existsSync, lstatSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL(".", import.meta.url));
const force = process.argv.includes("--force");
process.chdir(root);

if (process.platform !== "linux")
  fail(`porthole works on Linux only: descriptors cross namespaces there, this is ${process.platform}`);
if (compare(process.versions.node, "20.19.0") < 0)
  fail(`porthole needs Node 20.19 or newer, this is ${process.versions.node}`);

function needsInstall() {
  // npm ci empties an existing node_modules, also through a link: then it would empty another
  // directory.
  if (lstatSync("node_modules", { throwIfNoEntry: false })?.isSymbolicLink()) return false;
  return isStale("node_modules/.package-lock.json", ["package-lock.json"]);
}

function needsAgent() {
  return isStale("agent/build/porthole-agent", files("agent", /\.(c|h)$|^Makefile$/));
}

function needsBundle() {
  const sources = ["cli", "src"].flatMap((folder) => files(folder, /\.(ts|tsx)$/));
  const recipe = [
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    "tsconfig.types.json",
    ...files("scripts/build", /./),
  ];
  return isStale("dist/.built", [...recipe, ...sources]);
}

function needsDeveloperPrograms() {
  const sources = ["src", "examples", "bench", "test/helpers"].flatMap((folder) => files(folder, /\.ts$/));
  return isStale("build/bench.mjs", ["scripts/build/bundle.mjs", ...sources]);
}

/** Installs when the lock file is newer than the file that npm writes at the end of an install. */
function install() {
  if (!needsInstall()) return;
  step("installing dependencies (npm ci)");
  // No dependency needs its install script: native parts are separate packages. `npm pack --json`
  // passes --json on to this command.
  run(
    "npm",
    ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-json", "--loglevel=error"],
    "npm ci failed; its messages are above",
  );
}

/** Builds the static agent from C. Prefers musl-gcc, which makes a smaller program. */
function buildAgent() {
  if (!needsAgent() && !force) return;
  if (!onPath("cc") && !onPath("gcc") && !onPath("musl-gcc"))
    fail(
      "no C compiler for the agent: install one (Debian: apt-get install gcc libc6-dev make; Alpine: apk add build-base)",
    );
  if (!onPath("make")) fail("no make for the agent: install it (Debian: apt-get install make)");
  step("building the agent (agent/build/porthole-agent)");
  run("make", ["-s", "-C", "agent"], "the agent did not build; the compiler's messages are above");
}

/** Runs a stage of scripts/build, which may load dependencies: they are installed by now. */
async function make(text, stage) {
  step(text);
  const parts = await import("./scripts/build/bundle.mjs");
  await stage(parts).catch((error) =>
    fail(error.errors === undefined ? error.message : "the messages above say why it did not build"),
  );
}

/** True when `product` is missing or older than any of `sources`. */
function isStale(product, sources) {
  if (!existsSync(product)) return true;
  const built = statSync(product).mtimeMs;
  return sources.some((source) => statSync(source).mtimeMs > built);
}

function files(folder, pattern) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && pattern.test(entry.name))
    .map((entry) => join(relative(root, entry.parentPath) || ".", entry.name))
    .filter((file) => !file.startsWith("agent/build/"));
}

function onPath(name) {
  return (process.env.PATH ?? "").split(":").some((directory) => existsSync(join(directory, name)));
}

function step(text) {
  process.stderr.write(`porthole: ${text}\n`);
}

function run(command, args, failure) {
  const { status, error } = spawnSync(command, args, { stdio: ["ignore", 2, 2] });
  if (error) fail(`${command} did not start: ${error.message}`);
  if (status !== 0) fail(failure);
}

function fail(text) {
  process.stderr.write(`porthole: ${text}\n`);
  process.exit(1);
}

function compare(a, b) {
  const [x, y] = [a, b].map((version) => version.split(".").map(Number));
  for (let i = 0; i < 3; i++) if (x[i] !== y[i]) return x[i] - y[i];
  return 0;
}

if (isAnythingStale()) await alone(build);

/**
 * True if any product is stale. Every script runs this check, so it only compares modification
 * times.
 */
function isAnythingStale() {
  return force || needsInstall() || needsAgent() || needsBundle() || needsDeveloperPrograms();
}

async function build() {
  install();
  buildAgent();
  if (force || needsBundle()) await make("bundling the command (dist/)", ({ bundle }) => bundle());
  if (force || needsDeveloperPrograms())
    await make("bundling bench and examples (build/)", ({ bundleDeveloperPrograms }) =>
      bundleDeveloperPrograms(files("examples", /\.ts$/)),
    );
}

/**
 * Runs `action` under a lock: two installs at the same time leave an incomplete node_modules. Takes
 * over a lock whose owner has ended.
 */
async function alone(action) {
  const lock = ".build.lock";
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: "wx" });
      break;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
      const holder = Number(readIfThere(lock));
      if (holder > 0 && !existsSync(`/proc/${holder}`)) rmSync(lock, { force: true });
      else await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  const release = () => rmSync(lock, { force: true });
  process.on("exit", release);
  try {
    await action();
  } finally {
    release();
    process.off("exit", release);
  }
}

function readIfThere(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
