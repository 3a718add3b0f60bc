import { readFileSync, writeFileSync } from "node:fs";

/**
 * Converts esbuild's chunks to CommonJS, which Node starts faster: an ES module's import of a Node
 * module copies all its exports, including the getters of lazily loaded parts. esbuild splits only
 * ES modules, so each chunk is converted separately. The conversion refuses a chunk that awaits at
 * top level.
 */
export async function toCommonJs(outputs, transform) {
  for (const path of Object.keys(outputs)) {
    const lazy = readFileSync(path, "utf8").replace(
      /\bimport\(("[^"]+\.js")\)/g,
      "Promise.resolve().then(() => require($1))",
    );
    // Limit the line length: Node prints the source line of an uncaught error, which would be the
    // whole chunk.
    const options = { format: "cjs", platform: "node", target: "node20.19", minify: true, lineLimit: 120 };
    const { code } = await transform(lazy, options);
    const head = code.includes("__moduleUrl")
      ? 'const __moduleUrl=require("node:url").pathToFileURL(__filename).href;\n'
      : "";
    const shebang = /^#!.*\n/.exec(code)?.[0] ?? "";
    writeFileSync(path, shebang + head + code.slice(shebang.length));
  }
}
