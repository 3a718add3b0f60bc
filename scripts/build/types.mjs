import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/**
 * Writes the declarations of the library's entries (name to source) and of the modules that they
 * use into `folder`. They refer to each other with .js, which every version of TypeScript supports.
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
  if (status !== 0) throw new Error(`the types could not be generated:\n${stdout}`);
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
 * Declares Buffer, NodeJS.Signals and, for older libraries of TypeScript, AsyncDisposable. Since
 * version 6, TypeScript includes no global types of packages by default.
 */
const NODE_TYPES = '/// <reference types="node" />\n';

/** A module of porthole that a declaration refers to. */
const SPECIFIER = /(?:from |import\()"(\.[^"]*\.ts)"/g;
