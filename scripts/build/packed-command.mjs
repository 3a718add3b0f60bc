import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";

/**
 * Puts the command's chunks into one file that is compiled once, here: V8 keeps what it compiled in a cache beside it, and a small cat starts a
 * seventh faster. porthole.js becomes the loader. Each version of V8 has a cache of its own; a Node without one compiles anew. What loads Ink's ES module goes by the
 * chunks themselves, which that module imports.
 */
export function packCommand(folder, outputs) {
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
  writeFileSync(`${folder}/porthole.js`, LOADER, { mode: 0o755 });
  fillCache(folder);
}

const LOADER = `#!/usr/bin/env node
"use strict";
// What shows the screen; options alone do: see cli/main.ts.
if (/^(open|browse|demo|-(?!(h|-help|V|-version|-)$).*|)$/.test(process.argv[2] ?? "")) require("./main.js");
else {
  const { readFileSync, writeFileSync } = require("node:fs");
  const vm = require("node:vm");
  const file = __dirname + "/pack.js";
  const cache = __dirname + "/pack-" + process.versions.v8.split("-")[0] + ".cache";
  let cachedData;
  try {
    cachedData = readFileSync(cache);
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
  if (process.env.PORTHOLE_FILL_CACHE) process.on("exit", () => writeFileSync(cache, script.createCachedData()));
}
`;

/**
 * Makes V8's cache for the Node `node`: lets a cat through an agent run, so that it holds what a cat uses; where this user may not enter his own
 * process, a local one.
 */
export function fillCache(folder, node = process.execPath) {
  const state = mkdtempSync(`${tmpdir()}/porthole-build-`);
  const env = { ...process.env, XDG_STATE_HOME: state, PORTHOLE_FILL_CACHE: "1" };
  const command = `${folder}/porthole.js`;
  const cat = (target) => spawnSync(node, [command, "cat", target], { env }).status;
  if (cat(`pid:${process.pid}:/proc/version`) !== 0) cat("/proc/version");
  spawnSync(node, [command, "detach", "--all", "--engine", "/nowhere"], {
    env: { ...env, PORTHOLE_FILL_CACHE: "" },
  });
  rmSync(state, { recursive: true, force: true });
}
