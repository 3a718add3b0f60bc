import { readFileSync, writeFileSync } from "node:fs";

/**
 * Turns esbuild's chunks into CommonJS, which Node starts faster: an ES module's import of one of
 * Node's own copies all its exports, the getters of lazily loaded parts included. esbuild splits ES
 * modules only, so the chunks are converted one by one. It refuses one that awaits at its top
 * level.
 */
export async function toCommonJs(outputs, transform) {
  for (const path of Object.keys(outputs)) {
    const lazy = readFileSync(path, "utf8")
      .replace(/\bimport\(("[^"]+\.js")\)/g, "Promise.resolve().then(() => require($1))")
      .replace(/\bimport\(("[^"]+\.mjs")\)/g, 'require("./import-module.js")($1)');
    // Node prints the source line of an uncaught error: without a limit it is the whole chunk.
    const options = { format: "cjs", platform: "node", target: "node20.19", minify: true, lineLimit: 120 };
    const { code } = await transform(lazy, options);
    const head = code.includes("__moduleUrl")
      ? 'const __moduleUrl=require("node:url").pathToFileURL(__filename).href;\n'
      : "";
    const shebang = /^#!.*\n/.exec(code)?.[0] ?? "";
    writeFileSync(path, shebang + head + code.slice(shebang.length));
  }
}

/**
 * Imports an ES module: code that V8 takes from a cache has lost who does that for it (Node 20).
 */
export function writeImporter(folder) {
  writeFileSync(`${folder}/import-module.js`, "module.exports = (path) => import(path);\n");
}
