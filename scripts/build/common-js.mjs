import { readFileSync, rmSync, writeFileSync } from "node:fs";

/**
 * Turns esbuild's chunks into CommonJS, which Node starts faster: an ES module's import of one of Node's own copies all its exports, the
 * getters of lazily loaded parts included. esbuild splits ES modules only, so the chunks are converted one by one. A chunk that awaits at
 * its top level (Ink's layout engine does) stays an ES module, as .mjs, and so does what imports it other than by import().
 */
export async function toCommonJs(outputs, transform) {
  const options = { format: "cjs", platform: "node", target: "node20.19", minify: true };
  const common = new Map();
  const modules = new Set();
  for (const path of Object.keys(outputs)) {
    const code = readFileSync(path, "utf8");
    // esbuild refuses a top-level await in CommonJS; that is the one thing asked here.
    const refused = await transform(code, { ...options, logLevel: "silent" }).then(
      () => false,
      () => true,
    );
    if (refused) modules.add(path);
    else common.set(path, code);
  }
  for (let changed = true; changed; ) {
    changed = false;
    for (const path of common.keys()) {
      const needsModule = outputs[path].imports.some(
        ({ path: to, kind }) => kind === "import-statement" && modules.has(to),
      );
      if (needsModule) {
        common.delete(path);
        modules.add(path);
        changed = true;
      }
    }
  }
  const names = new Map(
    [...modules].map((path) => [path.split("/").at(-1), path.split("/").at(-1).replace(/js$/, "mjs")]),
  );
  const withNames = (code) => [...names].reduce((text, [from, to]) => text.replaceAll(from, to), code);
  for (const path of modules) {
    const head = `import { createRequire } from "node:module";\nconst require = createRequire(import.meta.url), __moduleUrl = import.meta.url, __dirname = import.meta.dirname;\n`;
    writeFileSync(path.replace(/js$/, "mjs"), head + withNames(readFileSync(path, "utf8")));
    rmSync(path);
  }
  for (const [path, code] of common) {
    const lazy = withNames(code).replace(/\bimport\(("[^"]+\.js")\)/g, "Promise.resolve().then(() => require($1))");
    const result = await transform(lazy, options);
    const needsUrl = result.code.includes("__moduleUrl");
    const head = needsUrl ? 'const __moduleUrl=require("node:url").pathToFileURL(__filename).href;\n' : "";
    const shebang = /^#!.*\n/.exec(result.code)?.[0] ?? "";
    writeFileSync(path, shebang + head + result.code.slice(shebang.length));
  }
}
