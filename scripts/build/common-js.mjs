import { readFileSync, writeFileSync } from "node:fs";

/**
 * Converts esbuild's chunks to CommonJS, which Node starts faster: an ES module's import of a Node
 * module copies all its exports, including the getters of lazily loaded parts. esbuild splits only
 * ES modules, so each chunk is converted separately. The conversion refuses a chunk that awaits at
 * top level. ES modules may import the outputs of the entry points `library`.
 */
export async function toCommonJs(outputs, transform, library) {
  refuseCircles(outputs);
  for (const [path, { entryPoint, exports }] of Object.entries(outputs)) {
    const lazy = readFileSync(path, "utf8").replace(
      /\bimport\(("[^"]+\.js")\)/g,
      "Promise.resolve().then(() => require($1))",
    );
    // Limit the line length: Node prints the source line of an uncaught error, which would be the
    // whole chunk.
    const options = { format: "cjs", platform: "node", target: "node20.19", minify: true, lineLimit: 120 };
    const { code } = await transform(withPlainExports(lazy), options);
    const head = code.includes("__moduleUrl")
      ? 'const __moduleUrl=require("node:url").pathToFileURL(__filename).href;\n'
      : "";
    const shebang = /^#!.*\n/.exec(code)?.[0] ?? "";
    // Never runs: here Node finds the names that an ES module may import.
    const names = library.includes(entryPoint) ? `0&&(module.exports={${exports.join()}});\n` : "";
    writeFileSync(path, shebang + head + code.slice(shebang.length) + names);
  }
}

/**
 * Exports values. esbuild exports two getters for each name, which V8 does not inline: a use of
 * another chunk's name takes 20 ns instead of one. The values are those at the end of the chunk, so
 * a chunk that may change one later keeps the getters.
 */
function withPlainExports(code) {
  const [statement, list] = /^export \{([^}]*)\};\n*$/m.exec(code) ?? [];
  if (list === undefined || code.includes("__esm(")) return code;
  const names = list.split(",").map((item) => item.trim().split(" as "));
  if (names.some(([name]) => mayChange(name, code))) return code;
  const object = names.map(([name, as = name]) => `${as}: ${name}`).join(", ");
  return code.replace(statement, `module.exports = { ${object} };\n`);
}

/** True if the variable has no initial value, or is assigned again. */
function mayChange(name, code) {
  const word = `(?<![.\\w$#])${name.replaceAll("$", "\\$")}(?![\\w$])`;
  const isDeclared = new RegExp(`^(?:async )?(?:function\\*?|class) ${word}`, "m").test(code);
  const assignments = code.match(new RegExp(`${word}\\s*(?:(?:[-+*/%&|^?]|<<|>>)*=(?![=>])|\\+\\+|--)`, "g")) ?? [];
  const isBare = new RegExp(`^(?:(?:var|let) |(?:var|let|[}\\])]).*, )${word}[,;]`, "m").test(code);
  return isBare || assignments.length > (isDeclared ? 0 : 1);
}

/** A chunk of a circle would see the exports of another one before they exist. */
function refuseCircles(outputs) {
  const finished = new Set();
  const visit = (path, above) => {
    if (above.includes(path)) throw new Error(`a circle of chunks: ${[...above, path].join(" -> ")}`);
    if (finished.has(path)) return;
    for (const { path: next, kind, external } of outputs[path].imports)
      if (kind === "import-statement" && !external) visit(next, [...above, path]);
    finished.add(path);
  };
  for (const path of Object.keys(outputs)) visit(path, []);
}
