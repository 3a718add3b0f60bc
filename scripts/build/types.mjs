import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/**
 * Writes the declarations of the library's entries (name to source) into `folder`, and only what they reach. They name each other with .js, as every
 * TypeScript understands that.
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
  const reached = new Set();
  const visit = (file) => {
    if (reached.has(file)) return;
    reached.add(file);
    const text = readFileSync(file, "utf8");
    for (const [, specifier] of text.matchAll(SPECIFIER))
      visit(join(dirname(file), specifier.replace(/\.ts$/, ".d.ts")));
    const target = join(folder, relative(emitted, file));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(
      target,
      text.replaceAll(SPECIFIER, (all) => all.replace(/\.ts"/, '.js"')),
    );
  };
  for (const source of Object.values(entries))
    visit(join(emitted, source.replace(/^src\//, "").replace(/\.ts$/, ".d.ts")));
  rmSync(emitted, { recursive: true });
}

/** A module of ours that a declaration refers to. */
const SPECIFIER = /(?:from |import\()"(\.[^"]*\.ts)"/g;
