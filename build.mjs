// Set-up and build. `npm start`, `npm test` and every other script call this first, on a machine that may have nothing but Node and gcc,
// so it uses only Node's own modules until the dependencies are there.
//   node build.mjs            install and build what is stale, one line for each thing done, nothing when all is fresh
//   node build.mjs --force    build everything again
//   node build.mjs --types    also emit dist/types (for the package)
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL(".", import.meta.url));
const force = process.argv.includes("--force");
process.chdir(root);

if (process.platform !== "linux")
  fail(`porthole works on Linux only: descriptors cross namespaces there, this is ${process.platform}`);
if (compare(process.versions.node, "20.19.0") < 0)
  fail(`porthole needs Node 20.19 or newer, this is ${process.versions.node}`);

install();
buildAgent();
await bundle();

/** Installs when the lock file is newer than what npm wrote at the end of its last install. */
function install() {
  if (!isStale("node_modules/.package-lock.json", ["package-lock.json"]) && !force) return;
  step("installing dependencies (npm ci)");
  run("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], "npm ci failed; its messages are above");
}

/** Builds the static agent from C, with musl-gcc where it is, for its size. */
function buildAgent() {
  const sources = files("agent", /\.(c|h)$|^Makefile$/);
  if (!isStale("agent/build/porthole-agent", sources) && !force) return;
  if (!onPath("cc") && !onPath("gcc") && !onPath("musl-gcc"))
    fail(
      "no C compiler for the agent: install one (Debian: apt-get install gcc libc6-dev make; Alpine: apk add build-base)",
    );
  if (!onPath("make")) fail("no make for the agent: install it (Debian: apt-get install make)");
  step("building the agent (agent/build/porthole-agent)");
  run("make", ["-s", "-C", "agent"], "the agent did not build; the compiler's messages are above");
}

/** Bundles the command (and the examples) with code splitting, so that no command loads another one's dependencies. */
async function bundle() {
  const sources = ["package-lock.json", "build.mjs", "tsconfig.json"].concat(
    ...["cli", "src", "examples"].map((folder) => files(folder, /\.(ts|tsx)$/)),
  );
  if (!isStale("dist/.built", sources) && !force) return;
  step("bundling the command (dist/)");
  const { build } = await import("esbuild");
  const { version } = JSON.parse((await import("node:fs")).readFileSync("package.json", "utf8"));
  rmSync("dist", { recursive: true, force: true });
  mkdirSync("dist", { recursive: true });
  const shared = {
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20.19",
    jsx: "automatic",
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: "none",
    sourcemap: "linked",
    sourcesContent: false,
    logLevel: "warning",
    // koffi finds its native part beside itself; react-devtools is only for Ink's development mode.
    external: ["koffi", "*.node", "react-devtools-core", "cpu-features"],
    define: { "process.env.NODE_ENV": '"production"', PORTHOLE_VERSION: JSON.stringify(version) },
    // Bundled CommonJS dependencies call require() for Node's own modules, and dockerode's gRPC client asks for __dirname.
    banner: {
      js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url); const __dirname = import.meta.dirname;',
    },
  };
  await build({
    ...shared,
    entryPoints: { porthole: "cli/main.ts", index: "src/index.ts", "search-worker": "src/text/search-worker.ts" },
    outdir: "dist",
  });
  const examples = files("examples", /\.ts$/);
  if (examples.length > 0) await build({ ...shared, entryPoints: examples, outdir: "dist/examples" });
  writeFileSync("dist/.built", "");
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
    .filter((file) => !file.includes("/build/"));
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
