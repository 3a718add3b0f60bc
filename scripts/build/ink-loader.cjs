// Becomes dist/ink-surfaces.js: loads the bundle of Ink with V8's code cache, as porthole.js loads
// the command. It is loaded while keys may arrive, so it reads its files without blocking.
"use strict";
const fs = require("node:fs");
const vm = require("node:vm");
const name = `pack-PACK_HASH-ink-${process.version}-${process.arch}.cache`;
const beside = `${__dirname}/${name}`;
const { XDG_CACHE_HOME: caches, HOME: home } = process.env;
const folder = caches?.startsWith("/") ? `${caches}/porthole` : home?.startsWith("/") && `${home}/.cache/porthole`;

/** Resolves with undefined if the file is missing. */
const read = (path) => new Promise((resolve) => fs.readFile(path, (_, bytes) => resolve(bytes)));

// V8 runs what is in a cache: see porthole.js.
const readOwn = async (path) => {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
  let fd;
  try {
    fd = fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    const { uid, mode } = fs.fstatSync(fd);
    if (uid === process.geteuid() && (mode & 0o170022) === 0o100000) return await read(fd);
  } catch {
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
};

const loaded = (async () => {
  const filename = `${__dirname}/ink-pack.js`;
  const [code, own] = await Promise.all([read(filename), read(beside)]);
  const cachedData = own ?? (folder ? await readOwn(`${folder}/${name}`) : undefined);
  const script = new vm.Script(code.toString("latin1"), { filename, cachedData });
  const module = { exports: {} };
  script.runInThisContext()(module.exports, require, module, filename, __dirname);
  if (process.env.PORTHOLE_FILL_INK_CACHE)
    process.on("exit", () => fs.writeFileSync(beside, script.createCachedData()));
  else if (folder && (cachedData === undefined || script.cachedDataRejected)) process.on("exit", () => write(script));
  return module.exports;
})();

/** Writes the user's cache. Does nothing without space or permission. */
function write(script) {
  const fresh = `${folder}/${name}.${process.pid}`;
  try {
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    fs.writeFileSync(fresh, script.createCachedData(), { mode: 0o600, flag: "wx" });
    fs.renameSync(fresh, `${folder}/${name}`);
  } catch {
    // The next start compiles again.
  }
}

exports.inkSurfaces = async (store, changed) => (await loaded).inkSurfaces(store, changed);
