#!/usr/bin/env node
// Becomes dist/porthole.js: runs the packed command with what V8 compiled of it before. V8 accepts
// a cache of any Node with the same V8 version, also of one whose V8 has other patches, and then
// runs nonsense (seen: 20.20.2's in 20.19.0), so a cache is named by all that it depends on. One
// for each of what needs much code, for what is not needed has to be read, too. They lie beside the
// program for the Node that built it; every other Node makes its own in the user's cache folder,
// once, after a cat, a grep, an open, a look at the containers.
"use strict";
const fs = require("node:fs");
const vm = require("node:vm");
const [, , command = "-"] = process.argv;
// Options alone, or a target, are the screen: see cli/main.ts.
const isBrowse = command === "browse" || (/^-|[:/]/.test(command) && !/^-(h|-help|V|-version|-)$/.test(command));
const isScreen = isBrowse || /^(open|demo)$/.test(command);
const kind = isBrowse ? "browse" : isScreen ? "open" : /^(cp|diff|grep|with)$/.test(command) ? command : "cat";
// A screen makes garbage with every frame, and V8 would rather have 50 MB for it, and the heap of
// each thread grown fourfold, than collect it: less memory, no slower (measured).
if (isScreen) {
  const v8 = require("node:v8");
  const keepSmall = () => v8.setFlagsFromString("--semi-space-growth-factor=1");
  keepSmall();
  v8.setFlagsFromString("--heap-growing-percent=100");
  // V8 sets the factor back to 2 for the whole process when it makes the heap of another thread,
  // somewhere between these two events. Whatever grows meanwhile stays: 14 MB in an hour's replay.
  process.on("worker", (worker) => {
    const timer = setInterval(keepSmall, 2);
    const end = () => {
      clearInterval(timer);
      keepSmall();
    };
    worker.once("online", end).once("exit", end);
  });
}
const name = `pack-PACK_HASH-${kind}-${process.version}-${process.arch}.cache`;
const beside = `${__dirname}/${name}`;
const { XDG_CACHE_HOME: caches, HOME: home } = process.env;
const folder = caches?.startsWith("/") ? `${caches}/porthole` : home?.startsWith("/") && `${home}/.cache/porthole`;

// What V8 takes from a cache is run. So a file that others might have written is not taken: under
// sudo the folder may belong to another user.
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
// A missing file is expected.
const cachedData = fs.existsSync(beside) ? fs.readFileSync(beside) : folder ? readOwn(`${folder}/${name}`) : undefined;

const file = `${__dirname}/pack.js`;
const importModuleDynamically = vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER;
const script = new vm.Script(fs.readFileSync(file, "latin1"), {
  filename: file,
  cachedData,
  importModuleDynamically,
});
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

if (process.env.PORTHOLE_FILL_CACHE) process.on("exit", () => fs.writeFileSync(beside, script.createCachedData()));
else if (folder && (cachedData === undefined || script.cachedDataRejected))
  process.on("exit", (status) => {
    // A cat has gone through what the other commands use, too. Nothing of this name was loaded: it
    // was a demo, or a help.
    if (status !== 0 || !Object.keys(modules).some((id) => new RegExp(`^./${kind}-[A-Z0-9]{8}.js$`).test(id))) return;
    const fresh = `${folder}/${name}.${process.pid}`;
    try {
      fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
      for (const old of fs.readdirSync(folder))
        if (!old.startsWith("pack-PACK_HASH-")) fs.unlinkSync(`${folder}/${old}`);
      fs.writeFileSync(fresh, script.createCachedData(), { mode: 0o600, flag: "wx" });
      fs.renameSync(fresh, `${folder}/${name}`);
    } catch {
      // No space or no permission: the next start compiles again.
    }
  });
