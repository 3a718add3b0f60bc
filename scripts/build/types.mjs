import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/**
 * Writes the declarations of the library's entries (name to source) into `folder`, and only what
 * they reach. They name each other with .js, as every TypeScript understands that.
 */
export function writeTypes(folder, entries) {
  const emitted = `${folder}.all`;
  const options = [
    "--noEmit",
    "false",
    "--declaration",
    "--emitDeclarationOnly",
    "--rootDir",
    "src",
    "--outDir",
    emitted,
  ];
  const { status, stdout } = spawnSync("node_modules/.bin/tsc", ["-p", "tsconfig.types.json", ...options]);
  if (status !== 0) throw new Error(`the types were not made:\n${stdout}`);
  const heads = new Set(Object.values(entries).map((source) => declarationOf(source)));
  const reached = new Set();
  function declarationOf(source) {
    return join(emitted, source.replace(/^src\//, "").replace(/\.ts$/, ".d.ts"));
  }
  const visit = (file) => {
    if (reached.has(file)) return;
    reached.add(file);
    const text = readFileSync(file, "utf8");
    for (const [, specifier] of text.matchAll(SPECIFIER))
      visit(join(dirname(file), specifier.replace(/\.ts$/, ".d.ts")));
    const target = join(folder, relative(emitted, file));
    mkdirSync(dirname(target), { recursive: true });
    const words = text.replaceAll(SPECIFIER, (all) => all.replace(/\.ts"/, '.js"'));
    writeFileSync(target, heads.has(file) ? `${NODE_TYPES}${words}` : words);
  };
  for (const head of heads) visit(head);
  rmSync(emitted, { recursive: true });
}

/**
 * Buffer, NodeJS.Signals and, for older libraries of TypeScript, AsyncDisposable: from version 6 on
 * it takes no package's global types unasked.
 */
const NODE_TYPES = '/// <reference types="node" />\n';

/** A module of porthole that a declaration refers to. */
const SPECIFIER = /(?:from |import\()"(\.[^"]*\.ts)"/g;
