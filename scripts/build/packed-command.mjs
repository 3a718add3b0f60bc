import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";

/**
 * Puts the command's chunks into one file: V8 keeps what it compiled of it, and a small cat starts a seventh faster. porthole.js becomes the loader
 * (loader.cjs). What loads Ink's ES module goes by the chunks themselves, which that module imports.
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
  const code = `({${table.join(",\n")}})`;
  writeFileSync(`${folder}/pack.js`, code);
  const hash = createHash("sha256").update(code).digest("hex").slice(0, 16);
  const loader = readFileSync(new URL("loader.cjs", import.meta.url), "utf8").replaceAll("PACK_HASH", hash);
  renameSync(`${folder}/porthole.js`, `${folder}/main.js`);
  writeFileSync(`${folder}/porthole.js`, loader, { mode: 0o755 });
  fillCache(folder);
}

/**
 * Makes V8's cache for this Node: lets a cat through an agent run, so that it holds what a cat uses; where this user may not enter his own process, a
 * local one.
 */
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
