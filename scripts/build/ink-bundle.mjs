import { readFileSync } from "node:fs";
import { build } from "esbuild";
import { lateUnicode } from "./late-unicode.mjs";
import { pastIndexes } from "./plugins.mjs";

/**
 * Bundles Ink with its layout engine into one CommonJS file of its own. It shares no chunk with the
 * command, whose code cache then has no code of Ink, and the first text does not wait for it.
 * Returns esbuild's metafile.
 */
export async function bundleInk(outfile, options) {
  const { metafile } = await build({
    ...options,
    // Turns of the event loop between the parts, so that a key waits for one of them at most.
    stdin: { contents: ENTRY, resolveDir: ".", sourcefile: "ink-entry.js" },
    outfile,
    format: "cjs",
    minify: true,
    lineLimit: 120,
    jsx: "automatic",
    // The first use of `performance` loads node:perf_hooks, that of `fetch` Node's HTTP client.
    inject: ["scripts/build/process-clock.ts"],
    define: { "process.env.NODE_ENV": '"production"', fetch: "undefined", performance: "processPerformance" },
    plugins: [pastIndexes, changedPackages, lateUnicode],
  });
  return metafile;
}

const ENTRY = `
import { layoutLoaded } from "yoga-layout";
const turn = () => new Promise(setImmediate);
export async function inkSurfaces(store, changed) {
  const layout = layoutLoaded();
  await import("react");
  await turn();
  await import("react-reconciler");
  await turn();
  await import("ink");
  await turn();
  const { inkSurfaces } = await import("./cli/tui/ui/ink-surfaces.tsx");
  await layout;
  await turn();
  return inkSurfaces(store, changed);
}
`;

/**
 * Replaces what awaits at top level, which CommonJS cannot, and what takes milliseconds although
 * porthole does not use it.
 */
const changedPackages = {
  name: "changed-packages",
  setup(build) {
    for (const [file, change] of Object.entries(CHANGES))
      build.onLoad({ filter: new RegExp(`/node_modules/${file}$`) }, ({ path }) => ({
        contents: change(readFileSync(path, "utf8"), path),
      }));
  },
};

const CHANGES = {
  // Without its development mode, which requires react-devtools-core.
  "ink/build/reconciler.js": (code, path) =>
    replaced(code, path, [
      ["await import('./devtools.js');", ""],
      ["await loadPackageJson()", "undefined"],
    ]),
  // Ink uses yoga only to draw, so it is an empty object until `layoutLoaded` has resolved.
  "yoga-layout/dist/src/index.js": (code, path) =>
    replaced(code, path, [
      ["import loadYoga from", "import loadYoga, { wasmBinary } from"],
      [
        "const Yoga = wrapAssembly(await loadYoga());",
        `const Yoga = {};
         export const layoutLoaded = async () => Object.assign(Yoga, wrapAssembly(await loadYoga({ wasmBinary: wasmBinary() })));`,
      ],
    ]),
  // yoga decodes its program byte by byte: 10 ms.
  "yoga-layout/dist/binaries/yoga-wasm-base64-esm.js": (code, path) => {
    const [, program] = /"data:application\/octet-stream;base64,([^"]{1000,})"/.exec(code) ?? [];
    return `${replaced(code, path, [[program, ""]])}
      export const wasmBinary = () => Buffer.from("${program}", "base64");`;
  },
  // porthole restores the terminal itself. signal-exit loads node:assert and replaces parts of
  // `process`.
  "signal-exit/index.js": () => "module.exports = () => () => {};",
  // The roots have a size. Otherwise it would start programs to ask for one.
  "terminal-size/index.js": () => "export default () => ({ columns: 80, rows: 24 });",
};

function replaced(code, path, replacements) {
  return replacements.reduce((text, [from, to]) => {
    if (!from || !text.includes(from)) throw new Error(`${path} has changed: it lacks ${from}`);
    return text.replace(from, () => to);
  }, code);
}
