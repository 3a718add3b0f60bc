import { readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";

/**
 * Converts esbuild's chunks to CommonJS, which Node starts faster: an ES module's import of a Node
 * module copies all its exports, including the getters of lazily loaded parts. esbuild splits only
 * ES modules, so each chunk is converted separately. The conversion refuses a chunk that awaits at
 * top level. ES modules may import the outputs of the entry points `library`.
 */
export async function toCommonJs(outputs, transform, library) {
  refuseCircles(outputs);
  const numbers = numberExports(outputs);
  for (const [path, { entryPoint, exports }] of Object.entries(outputs)) {
    const lazy = withNumbers(readFileSync(path, "utf8"), path, numbers).replace(
      /\bimport\(("[^"]+\.js")\)/g,
      "Promise.resolve().then(() => require($1))",
    );
    // Limit the line length: Node prints the source line of an uncaught error, which would be the
    // whole chunk.
    const options = { format: "cjs", platform: "node", target: "node20.19", minify: true, lineLimit: 120 };
    const converted = await transform(withPlainExports(lazy), options);
    // A second pass writes `chunk[0]` for `chunk["0"]`, which V8 reads faster.
    const { code } = await transform(converted.code, options);
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
 * Numbers the names of each chunk that only other chunks import. V8 makes a map for each name of an
 * object that is evaluated once: 345 names took 0.8 ms of a small `cat`. Numbers need none.
 */
function numberExports(outputs) {
  const shared = Object.entries(outputs).filter(([path, { entryPoint }]) => entryPoint === undefined && isChunk(path));
  return new Map(shared.map(([path, { exports }]) => [basename(path), exports]));
}

function isChunk(path) {
  return /^chunk-[^/]*\.js$/.test(basename(path));
}

/** Replaces the names in a chunk's exports, and in its imports from other chunks. */
function withNumbers(code, path, numbers) {
  const numbered = (names, list, parts) => {
    const items = list.split(",").map((item) => item.trim());
    return items.filter(Boolean).map((item) => {
      const [name, alias = name] = item.split(" as ");
      return parts(name, alias, (exported) => `"${names.indexOf(exported)}"`);
    });
  };
  const imports = code.replace(IMPORT, (statement, list, chunk) => {
    const names = numbers.get(chunk);
    if (names === undefined) return statement;
    const items = numbered(names, list, (name, alias, numberOf) => `${numberOf(name)} as ${alias}`);
    return `import { ${items.join(", ")} } from "./${chunk}";`;
  });
  const own = numbers.get(basename(path));
  if (own === undefined) return imports;
  return imports.replace(EXPORT, (_, list) => {
    const items = numbered(own, list, (name, alias, numberOf) => `${name} as ${numberOf(alias)}`);
    return `export { ${items.join(", ")} };\n`;
  });
}

const IMPORT = /^import \{([^}]*)\} from "\.\/(chunk-[^"]+)";/gm;
const EXPORT = /^export \{([^}]*)\};\n*$/m;

/**
 * Exports values. esbuild exports two getters for each name, which V8 does not inline: a use of
 * another chunk's name takes 20 ns instead of one. The values are those at the end of the chunk, so
 * a chunk that may change one later keeps the getters.
 */
function withPlainExports(code) {
  const [statement, list] = EXPORT.exec(code) ?? [];
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
