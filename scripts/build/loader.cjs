#!/usr/bin/env node
// Becomes dist/porthole.js: runs the packed command with V8's code cache. V8 accepts a cache of any
// Node with the same V8 version and misbehaves if that V8 was patched differently
// (docs/decisions.md), so the name of a cache has all that it depends on. Commands that need much
// code have a pack and a cache each, because reading unneeded code takes time. The caches of the
// Node that built the program are beside it. Any other Node writes its own in the user's cache
// folder, after the first run of each kind.
"use strict";
const fs = require("node:fs");
const vm = require("node:vm");
const [, , command = "-", ...further] = process.argv;
// Answers at once: reading the packs takes 5 ms. If the output is closed or full, the command
// reports it.
if (process.platform === "linux" && ["-V", "--version"].includes(command) && further.length === 0) {
  try {
    fs.writeSync(1, "PORTHOLE_VERSION\n");
    process.exit();
  } catch {}
}
// Options alone, or a target, are the screen: see cli/main.ts.
// Each regular expression would be compiled at each start.
const isBrowse =
  command === "browse" ||
  ((command.startsWith("-") || command.includes(":") || command.includes("/")) &&
    !["-h", "--help", "-V", "--version", "--"].includes(command));
const isScreen = isBrowse || ["open", "demo"].includes(command);
const own = ["cp", "grep", "ls", "tail", "with"].find((name) => name === command);
/** The name of the pack of these arguments. Any other also works, but more code is read. */
const kindOf = () => {
  // A cat without options, or a screen, does not parse its line with Commander
  // (cli/program/plain-line.ts), unless its engine is on another machine.
  const isPlain = isScreen || (command === "cat" && !further.some((word) => word.length > 1 && word.startsWith("-")));
  const { DOCKER_HOST = "" } = process.env;
  if (isPlain && ["ssh:", "tcp:", "http:", "https:"].some((scheme) => DOCKER_HOST.startsWith(scheme))) return "far";
  if (isScreen) return isBrowse ? "browse" : "open";
  if (command !== "__complete") return own ?? (isPlain ? "plain" : "cat");
  // A completion of a target after a frequent command needs no definitions: see expectedOperand().
  const [shell, , ...typed] = further;
  const [name, ...words] = shell === "bash" ? (typed[0] ?? "").trimStart().split(/\s+/).slice(1) : typed;
  const isOperand = words.length > 0 && !words.some((word) => word.startsWith("-"));
  return isOperand && ["cat", "head", "ls", "open", "stat", "tail"].includes(name) ? "complete" : "define";
};
const kind = kindOf();
// Each frame of a screen makes garbage. V8 would use 50 MB for it, and let the heap of each thread
// grow fourfold, before it collects. These flags save memory and cost no time (measured). They are
// set after the first text, because node:v8 loads streams. V8 rejects a cache that was made with
// other flags.
let areFlagsSet = false;
const setFlags = (growthFactor, growingPercent) => {
  const { setFlagsFromString } = require("node:v8");
  setFlagsFromString(`--semi-space-growth-factor=${growthFactor}`);
  setFlagsFromString(`--heap-growing-percent=${growingPercent}`);
};
const keepHeapSmall = () => {
  const keepSmall = () => setFlags(1, 100);
  keepSmall();
  areFlagsSet = true;
  // V8 resets the factor to 2 for the whole process when it makes the heap of another thread, at
  // some time between these two events. Memory that it adds meanwhile stays: 14 MB in an hour's
  // replay.
  process.on("worker", (worker) => {
    const timer = setInterval(keepSmall, 2);
    const end = () => {
      clearInterval(timer);
      keepSmall();
    };
    worker.once("online", end).once("exit", end);
  });
};
if (isScreen) process.once("firstText", keepHeapSmall);
const { XDG_CACHE_HOME: caches, HOME: home } = process.env;
const folder = caches?.startsWith("/") ? `${caches}/porthole` : home?.startsWith("/") && `${home}/.cache/porthole`;

// V8 runs what is in a cache. So a file that others might have written is not used: under sudo the
// folder may belong to another user.
const readOwn = (path) => {
  let fd;
  try {
    fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK);
    const { uid, mode } = fs.fstatSync(fd);
    return uid === process.geteuid() && (mode & 0o170022) === 0o100000 ? fs.readFileSync(fd) : undefined;
  } catch {
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
};
// The modules of the first page of `open`, those of this kind of command, those of a cat with
// options, and all others. Each pack is read when a module is in none of those before it.
// A file of this machine needs no session with an agent.
const isOfContainer = (word) => word.includes(":") && !word.startsWith("/") && !word.startsWith(".");
const first = kind !== "open" ? [] : further.some(isOfContainer) ? ["pack-page"] : ["pack-local"];
const packs = [...new Set([...first, `pack-${kind}`, "pack-cat", "pack"])].map((part) => ({
  part,
  filename: `${__dirname}/${part}.js`,
}));
/** The packs that have been read. */
const scripts = [];
const contentOf = ({ part, filename, fd }) => {
  try {
    return fs.readFileSync(fd ?? filename, "utf8");
  } catch (error) {
    // The build could not run a command of this kind.
    if (error.code === "ENOENT" && part !== "pack") return "({})";
    throw error;
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
};
const read = (pack) => {
  const { part, filename } = pack;
  const code = contentOf(pack);
  const flags = areFlagsSet ? "-screen" : "";
  const name = `pack-PACK_HASH-${part}${flags}-${process.version}-${process.arch}.cache`;
  const beside = `${__dirname}/${name}`;
  // A missing cache is expected.
  const cachedData = fs.existsSync(beside)
    ? fs.readFileSync(beside)
    : folder
      ? readOwn(`${folder}/${name}`)
      : undefined;
  const script = new vm.Script(code, { filename, cachedData });
  scripts.push({ part, name, script, flags, isCached: cachedData !== undefined && !script.cachedDataRejected });
  return script.runInThisContext();
};
packs[0].table = read(packs[0]);
// The others are opened at once: an upgrade may replace the files while this command runs. At a
// limit of open files they are opened when they are read.
for (const pack of packs.slice(1))
  try {
    pack.fd = fs.openSync(pack.filename);
  } catch {}
const find = (id) => {
  for (const pack of packs) {
    pack.table ??= read(pack);
    const found = pack.table[id];
    if (found !== undefined) return found;
  }
};
// Modules of Node that load many others. Most commands do not use them before their first output.
// Each is loaded when one of its exports is first used.
const LATE = new Set([
  "node:child_process",
  "node:crypto",
  "node:http",
  "node:http2",
  "node:net",
  "node:os",
  "node:stream",
  "node:timers/promises",
  "node:tty",
  "node:worker_threads",
]);
const late = (id) => {
  let loaded;
  const used = () => {
    loaded ??= require(id);
    return loaded;
  };
  return new Proxy(
    {},
    {
      get: (_, name) => used()[name],
      has: (_, name) => name in used(),
      ownKeys: () => Reflect.ownKeys(used()),
      getOwnPropertyDescriptor: (_, name) => ({ value: used()[name], enumerable: true, configurable: true }),
    },
  );
};
const modules = {};
const load = (id) => {
  if (LATE.has(id)) return late(id);
  // Ink has a loader of its own.
  if (!id.startsWith("./") || id === "./ink-surfaces.js") return require(id);
  if (modules[id] === undefined) {
    modules[id] = { exports: {} };
    find(id)(modules[id].exports, load, modules[id], `${__dirname}/pack.js`, __dirname);
  }
  return modules[id].exports;
};
load("./porthole.js");

/** Serialises the cache with the flags that the next start has when it reads it. */
const cacheOf = ({ script, flags }) => {
  if (areFlagsSet && flags === "") setFlags(2, 0);
  const bytes = script.createCachedData();
  if (areFlagsSet) setFlags(1, 100);
  return bytes;
};

// The build records the modules of each kind, and then fills the caches: see packed-command.mjs.
if (process.env.PORTHOLE_RECORD_MODULES) {
  const record = (name) => fs.appendFileSync(`${__dirname}/${name}.modules`, `${Object.keys(modules).join("\n")}\n`);
  process.once("firstPage", () => record(first[0].replace("pack-", "")));
  process.on("exit", (status) => {
    if (status === 0 || kind === "far") record(kind);
  });
} else if (process.env.PORTHOLE_FILL_CACHE)
  process.on("exit", () => {
    for (const script of scripts) fs.writeFileSync(`${__dirname}/${script.name}`, cacheOf(script));
  });
else if (folder)
  process.on("exit", (status) => {
    if (status === 0 && scripts.some(({ isCached }) => !isCached)) writeCaches();
  });

/** Writes the missing caches to the user's folder. */
function writeCaches() {
  const uncached = scripts.filter(({ isCached }) => !isCached);
  // If no module of this name was loaded, it was another command, a demo or a help text, which
  // would make an incomplete cache.
  const module = { plain: "cat", define: "complete", far: "send" }[kind] ?? kind;
  const isWhole = Object.keys(modules).some((id) => new RegExp(`^./${module}-[A-Z0-9]{8}.js$`).test(id));
  const writes = (part) => part === "pack" || (isWhole && (isScreen || part === packs[0].part));
  const missing = uncached.filter(({ part }) => writes(part));
  if (missing.length === 0) return;
  try {
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const old of fs.readdirSync(folder)) if (!old.startsWith("pack-PACK_HASH-")) fs.unlinkSync(`${folder}/${old}`);
    for (const script of missing) {
      const fresh = `${folder}/${script.name}.${process.pid}`;
      fs.writeFileSync(fresh, cacheOf(script), { mode: 0o600, flag: "wx" });
      fs.renameSync(fresh, `${folder}/${script.name}`);
    }
  } catch {
    // No space or no permission: the next start compiles again.
  }
}
