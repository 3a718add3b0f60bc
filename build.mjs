// Set-up and build. `npm start`, `npm test` and every other script call this first, on a machine that may have nothing but Node and gcc,
// so it uses only Node's own modules until the dependencies are there.
//   node build.mjs            install and build what is stale, one line for each thing done, nothing when all is fresh
//   node build.mjs --force    build everything again
import { spawnSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
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
  // npm ci empties what is there first, through a link too: somebody else's folder then.
  if (lstatSync("node_modules", { throwIfNoEntry: false })?.isSymbolicLink()) return false;
  return isStale("node_modules/.package-lock.json", ["package-lock.json"]);
}

function needsAgent() {
  return isStale("agent/build/porthole-agent", files("agent", /\.(c|h)$|^Makefile$/));
}

function needsBundle() {
  const sources = ["cli", "src", "examples", "bench"].flatMap((folder) => files(folder, /\.(ts|tsx)$/));
  return isStale("dist/.built", ["package-lock.json", "build.mjs", "tsconfig.json", ...sources]);
}

/** Installs when the lock file is newer than what npm wrote at the end of its last install. */
function install() {
  if (!needsInstall()) return;
  step("installing dependencies (npm ci)");
  // No dependency needs its install script: native parts come as packages of their own.
  run(
    "npm",
    ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
    "npm ci failed; its messages are above",
  );
}

/** Builds the static agent from C, with musl-gcc where it is, for its size. */
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

/** Bundles the command, the library, the examples and the bench with code splitting, so that no command loads another one's dependencies. */
async function bundle() {
  if (!needsBundle() && !force) return;
  step("bundling the command (dist/)");
  const esbuild = await import("esbuild");
  const { version } = JSON.parse(readFileSync("package.json", "utf8"));
  // Built beside and put in place by rename at the end, for a command may be running from here meanwhile.
  const fresh = `dist.new-${process.pid}`;
  const entryPoints = {
    porthole: "cli/main.ts",
    index: "src/index.ts",
    text: "src/text/index.ts",
    tools: "src/tools.ts",
    listing: "src/listing.ts",
    "search-worker": "src/text/search-worker.ts",
    "grep-worker": "src/text/grep/worker.ts",
    ...(existsSync("bench/main.ts") && { bench: "bench/main.ts" }),
    ...Object.fromEntries(files("examples", /\.ts$/).map((file) => [file.replace(/\.ts$/, ""), file])),
  };
  const result = esbuild.build({
    entryPoints,
    outdir: fresh,
    bundle: true,
    splitting: true,
    metafile: true,
    format: "esm",
    platform: "node",
    target: "node20.19",
    jsx: "automatic",
    minifySyntax: true,
    legalComments: "none",
    logLevel: "warning",
    plugins: [lateChildProcess, unixSocketsOnly],
    // koffi finds its native part beside itself; react-devtools is only for Ink's development mode.
    external: ["koffi", "*.node", "react-devtools-core", "cpu-features"],
    define: {
      "process.env.NODE_ENV": '"production"',
      PORTHOLE_VERSION: JSON.stringify(version),
      "import.meta.url": "__moduleUrl",
    },
  });
  const { metafile } = await result.catch(() => fail("the command did not build; the compiler's messages are above"));
  await toCommonJs(metafile.outputs, esbuild.transform);
  writeFileSync(`${fresh}/package.json`, '{ "type": "commonjs" }\n');
  pack(fresh, metafile.outputs);
  writeManualPage(fresh);
  writeFileSync(`${fresh}/.built`, "");
  const old = `dist.old-${process.pid}`;
  if (existsSync("dist")) renameSync("dist", old);
  renameSync(fresh, "dist");
  rmSync(old, { recursive: true, force: true });
}

/**
 * Puts the command's chunks into one file that is compiled once, here: V8 keeps what it compiled in a cache beside it, and a small cat starts a
 * seventh faster. porthole.js becomes the loader; a Node that V8's cache does not fit compiles anew. What loads Ink's ES module goes by the
 * chunks themselves, which that module imports.
 */
function pack(folder, outputs) {
  const names = new Set();
  const add = (path) => {
    const name = path.split("/").at(-1);
    if (names.has(name) || !existsSync(`${folder}/${name}`)) return;
    names.add(name);
    for (const { path: next, external } of outputs[path].imports) if (!external) add(next);
  };
  add(`${folder}/porthole.js`);
  const table = [...names].map((name) => {
    const code = readFileSync(`${folder}/${name}`, "utf8").replace(/^#!.*/, "");
    return `${JSON.stringify(`./${name}`)}:function(exports,require,module,__filename,__dirname){${code}\n}`;
  });
  writeFileSync(`${folder}/pack.js`, `({${table.join(",\n")}})`);
  renameSync(`${folder}/porthole.js`, `${folder}/main.js`);
  writeFileSync(`${folder}/porthole.js`, LOADER);
  fillCache(folder);
}

const LOADER = `#!/usr/bin/env node
"use strict";
if (["open", "demo"].includes(process.argv[2])) require("./main.js");
else {
  const { readFileSync, writeFileSync } = require("node:fs");
  const vm = require("node:vm");
  const file = __dirname + "/pack.js";
  let cachedData;
  try {
    cachedData = readFileSync(__dirname + "/pack.cache");
  } catch {}
  const importModuleDynamically = vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER;
  const script = new vm.Script(readFileSync(file, "latin1"), { filename: file, cachedData, importModuleDynamically });
  const table = script.runInThisContext();
  const modules = {};
  const load = (id) => {
    if (table[id] === undefined) return require(id);
    if (modules[id] === undefined) {
      modules[id] = { exports: {} };
      table[id](modules[id].exports, load, modules[id], file, __dirname);
    }
    return modules[id].exports;
  };
  load("./porthole.js");
  if (process.env.PORTHOLE_FILL_CACHE) process.on("exit", () => writeFileSync(__dirname + "/pack.cache", script.createCachedData()));
}
`;

/** Lets a cat through an agent run, so that the cache holds what a cat uses. Where this user may not enter his own process, a local one. */
function fillCache(folder) {
  const state = mkdtempSync(`${tmpdir()}/porthole-build-`);
  const env = { ...process.env, XDG_STATE_HOME: state, PORTHOLE_FILL_CACHE: "1" };
  const command = `${folder}/porthole.js`;
  const cat = (target) => spawnSync(process.execPath, [command, "cat", target], { env }).status;
  if (cat(`pid:${process.pid}:/proc/version`) !== 0) cat("/proc/version");
  spawnSync(process.execPath, [command, "detach", "--all", "--engine", "/nowhere"], {
    env: { ...env, PORTHOLE_FILL_CACHE: "" },
  });
  rmSync(state, { recursive: true, force: true });
}

/** The manual page comes from the command's own definitions, so the command writes it. */
function writeManualPage(folder) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [`${folder}/porthole.js`, "man"]);
  if (status !== 0) fail(`porthole man failed: ${stderr}`);
  writeFileSync(`${folder}/porthole.1`, stdout);
}

/** Commander loads node:child_process, and with it streams and sockets, for commands that are programs of their own. There are none here. */
const lateChildProcess = {
  name: "late-child-process",
  setup(build) {
    build.onResolve({ filter: /^node:child_process$/ }, ({ path, importer }) =>
      importer.includes("/commander/") ? { path, namespace: "late" } : undefined,
    );
    build.onLoad({ filter: /./, namespace: "late" }, ({ path }) => ({
      contents: `module.exports = { spawn: (...all) => process.getBuiltinModule(${JSON.stringify(path)}).spawn(...all) };`,
    }));
  },
};

/**
 * dockerode loads gRPC for BuildKit and an SSH client, four fifths of its code and of its loading time. Neither is reachable from here: only
 * engines at Unix sockets are spoken to, and no image is built.
 */
const unixSocketsOnly = {
  name: "unix-sockets-only",
  setup(build) {
    build.onResolve({ filter: /^(@grpc\/grpc-js|@grpc\/proto-loader|protobufjs|ssh2)$/ }, ({ path, importer }) =>
      /\/(dockerode|docker-modem)\//.test(importer) ? { path, namespace: "unreachable" } : undefined,
    );
    build.onLoad({ filter: /./, namespace: "unreachable" }, () => ({ contents: "module.exports = {};" }));
  },
};

/**
 * Turns esbuild's chunks into CommonJS, which Node starts faster: an ES module's import of one of Node's own copies all its exports, the
 * getters of lazily loaded parts included. esbuild splits ES modules only, so the chunks are converted one by one. A chunk that awaits at
 * its top level (Ink's layout engine does) stays an ES module, as .mjs, and so does what imports it other than by import().
 */
async function toCommonJs(outputs, transform) {
  const options = { format: "cjs", platform: "node", target: "node20.19", minify: true };
  const common = new Map();
  const modules = new Set();
  for (const path of Object.keys(outputs)) {
    const code = readFileSync(path, "utf8");
    // esbuild refuses a top-level await in CommonJS; that is the one thing asked here.
    const refused = await transform(code, { ...options, logLevel: "silent" }).then(
      () => false,
      () => true,
    );
    if (refused) modules.add(path);
    else common.set(path, code);
  }
  for (let changed = true; changed; ) {
    changed = false;
    for (const path of common.keys()) {
      const needsModule = outputs[path].imports.some(
        ({ path: to, kind }) => kind === "import-statement" && modules.has(to),
      );
      if (needsModule) {
        common.delete(path);
        modules.add(path);
        changed = true;
      }
    }
  }
  const names = new Map(
    [...modules].map((path) => [path.split("/").at(-1), path.split("/").at(-1).replace(/js$/, "mjs")]),
  );
  const withNames = (code) => [...names].reduce((text, [from, to]) => text.replaceAll(from, to), code);
  for (const path of modules) {
    const head = `import { createRequire } from "node:module";\nconst require = createRequire(import.meta.url), __moduleUrl = import.meta.url, __dirname = import.meta.dirname;\n`;
    writeFileSync(path.replace(/js$/, "mjs"), head + withNames(readFileSync(path, "utf8")));
    rmSync(path);
  }
  for (const [path, code] of common) {
    const lazy = withNames(code).replace(/\bimport\(("[^"]+\.js")\)/g, "Promise.resolve().then(() => require($1))");
    const result = await transform(lazy, options);
    const needsUrl = result.code.includes("__moduleUrl");
    const head = needsUrl ? 'const __moduleUrl=require("node:url").pathToFileURL(__filename).href;\n' : "";
    const shebang = /^#!.*\n/.exec(result.code)?.[0] ?? "";
    writeFileSync(path, shebang + head + result.code.slice(shebang.length));
  }
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

if (isAnythingStale()) await alone(build);

/** What every script pays: a look at modification times. */
function isAnythingStale() {
  return force || needsInstall() || needsAgent() || needsBundle();
}

async function build() {
  install();
  buildAgent();
  await bundle();
}

/** Runs `action` while no other build does: two installs at once leave half a node_modules. A lock whose holder is gone is taken over. */
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
