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
if (process.platform === "linux" && /^(-V|--version)$/.test(command) && further.length === 0) {
  try {
    fs.writeSync(1, "PORTHOLE_VERSION\n");
    process.exit();
  } catch {}
}
// Options alone, or a target, are the screen: see cli/main.ts.
const isBrowse = command === "browse" || (/^-|[:/]/.test(command) && !/^-(h|-help|V|-version|-)$/.test(command));
const isScreen = isBrowse || /^(open|demo)$/.test(command);
const own = /^(?:__(complete)|(cp|grep|ls|tail|with))$/.exec(command);
const kind = isBrowse ? "browse" : isScreen ? "open" : own ? (own[1] ?? own[2]) : "cat";
// Each frame of a screen makes garbage. V8 would use 50 MB for it, and let the heap of each thread
// grow fourfold, before it collects. These flags save memory and cost no time (measured).
// They are set before the code is compiled, because V8 rejects a cache with other flags.
if (isScreen) {
  const v8 = require("node:v8");
  const keepSmall = () => v8.setFlagsFromString("--semi-space-growth-factor=1");
  keepSmall();
  v8.setFlagsFromString("--heap-growing-percent=100");
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
}
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
// The modules of this kind of command, those of a cat, and all others. Each pack is read when a
// module is in none of those before it.
const importModuleDynamically = vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER;
const packs = [...new Set([`pack-${kind}`, "pack-cat", "pack"])].map((part) => ({
  part,
  filename: `${__dirname}/${part}.js`,
}));
/** The packs that have been read. */
const scripts = [];
const contentOf = ({ part, filename, fd }) => {
  try {
    return fs.readFileSync(fd ?? filename, "latin1");
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
  const flags = isScreen ? "-screen" : "";
  const name = `pack-PACK_HASH-${part}${flags}-${process.version}-${process.arch}.cache`;
  const beside = `${__dirname}/${name}`;
  // A missing cache is expected.
  const cachedData = fs.existsSync(beside)
    ? fs.readFileSync(beside)
    : folder
      ? readOwn(`${folder}/${name}`)
      : undefined;
  const script = new vm.Script(code, { filename, cachedData, importModuleDynamically });
  scripts.push({ part, name, script, isCached: cachedData !== undefined && !script.cachedDataRejected });
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

// The build records the modules of each kind, and then fills the caches: see packed-command.mjs.
if (process.env.PORTHOLE_RECORD_MODULES)
  process.on("exit", (status) => {
    if (status === 0) fs.appendFileSync(`${__dirname}/${kind}.modules`, `${Object.keys(modules).join("\n")}\n`);
  });
else if (process.env.PORTHOLE_FILL_CACHE)
  process.on("exit", () => {
    for (const { name, script, isCached } of scripts)
      if (!isCached) fs.writeFileSync(`${__dirname}/${name}`, script.createCachedData());
  });
else if (folder)
  process.on("exit", (status) => {
    // If no module of this name was loaded, it was another command, a demo or a help text, which
    // would make an incomplete cache.
    const isWhole = Object.keys(modules).some((id) => new RegExp(`^./${kind}-[A-Z0-9]{8}.js$`).test(id));
    const writes = (part) => part === "pack" || (isWhole && (isScreen || part === packs[0].part));
    const missing = scripts.filter(({ part, isCached }) => !isCached && writes(part));
    if (status !== 0 || missing.length === 0) return;
    try {
      fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
      for (const old of fs.readdirSync(folder))
        if (!old.startsWith("pack-PACK_HASH-")) fs.unlinkSync(`${folder}/${old}`);
      for (const { name, script } of missing) {
        const fresh = `${folder}/${name}.${process.pid}`;
        fs.writeFileSync(fresh, script.createCachedData(), { mode: 0o600, flag: "wx" });
        fs.renameSync(fresh, `${folder}/${name}`);
      }
    } catch {
      // No space or no permission: the next start compiles again.
    }
  });
