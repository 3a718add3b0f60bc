import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { build, transform } from "esbuild";
import { toCommonJs } from "./common-js.mjs";
import { bundleInk } from "./ink-bundle.mjs";
import { lateUnicode } from "./late-unicode.mjs";
import { thirdPartyNotices } from "./notices.mjs";
import { packCommand } from "./packed-command.mjs";
import { inkApart, nativeKoffi, pastIndexes, unixSocketsOnly } from "./plugins.mjs";
import { writeTypes } from "./types.mjs";

/** The library's entries, by their names in the exports of package.json. */
export const library = { index: "src/index.ts" };

const common = { bundle: true, format: "esm", platform: "node", target: "node20.19", logLevel: "warning" };

/** For CommonJS packages in an ES module. */
const REQUIRE = { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' };

const forUsers = { metafile: true, legalComments: "none" };

/**
 * Builds dist/, the content of the package: the command, the library, types, manual page,
 * completions and notices. Code splitting prevents a command from loading the dependencies of
 * another.
 */
export async function bundle() {
  const { version } = JSON.parse(readFileSync("package.json", "utf8"));
  // Build in another directory and rename it at the end, because a command may run from dist.
  const fresh = `dist.new-${process.pid}`;
  const { metafile } = await build({
    ...common,
    ...forUsers,
    entryPoints: {
      porthole: "cli/main.ts",
      ...library,
      "scan-worker": "src/text/scan/scan-worker.ts",
      "sidecar-cleaner": "src/routes/sidecar/sidecar-cleaner.ts",
    },
    outdir: fresh,
    splitting: true,
    minifySyntax: true,
    plugins: [pastIndexes, unixSocketsOnly, nativeKoffi, inkApart, lateUnicode],
    external: ["*.node", "cpu-features"],
    // The first use of `performance` loads node:perf_hooks: 2 to 3 ms.
    inject: ["scripts/build/process-clock.ts"],
    define: {
      "performance.now": "processClock",
      PORTHOLE_VERSION: JSON.stringify(version),
      "import.meta.url": "__moduleUrl",
      "import.meta.dirname": "__dirname",
      "import.meta.filename": "__filename",
    },
  });
  await toCommonJs(metafile.outputs, transform, Object.values(library));
  const ink = await bundleInk(`${fresh}/ink-pack.js`, { ...common, ...forUsers });
  writeFileSync(`${fresh}/package.json`, '{ "type": "commonjs" }\n');
  await packCommand(fresh, metafile.outputs, version);
  await bundlePlugin(fresh, version);
  writeTypes(`${fresh}/types`, library);
  writeFileSync(`${fresh}/porthole.1`, await manualPage(fresh, version));
  mkdirSync(`${fresh}/completions`);
  for (const [shell, file] of Object.entries(completions))
    writeFileSync(`${fresh}/completions/${file}`, said(fresh, "completion", shell));
  writeFileSync(`${fresh}/third-party-notices.txt`, thirdPartyNotices({ ...metafile.inputs, ...ink.inputs }));
  writeFileSync(`${fresh}/.built`, "");
  const old = `dist.old-${process.pid}`;
  if (existsSync("dist")) renameSync("dist", old);
  renameSync(fresh, "dist");
  rmSync(old, { recursive: true, force: true });
}

/**
 * Bundles the kubectl plugin into one file. It runs before each command and opens no file, so it
 * needs no native part. It contains the definitions of the commands, not their actions.
 */
async function bundlePlugin(folder, version) {
  const outfile = `${folder}/kubectl-porthole.js`;
  await build({
    ...common,
    ...forUsers,
    entryPoints: ["cli/kubectl/main.ts"],
    outfile,
    format: "cjs",
    minify: true,
    lineLimit: 120,
    plugins: [pastIndexes, unixSocketsOnly, nativeKoffi],
    external: ["../commands/*", "*.node", "cpu-features"],
    // No module in the bundle is loaded by its URL.
    define: { PORTHOLE_VERSION: JSON.stringify(version), "import.meta.url": '"file:///"' },
  });
  chmodSync(outfile, 0o755);
}

async function manualPage(folder, version) {
  const outfile = resolve(`${folder}/.manual-page.mjs`);
  await build({
    ...common,
    entryPoints: ["scripts/build/manual-page.ts"],
    outfile,
    external: ["../commands/*"],
    banner: REQUIRE,
  });
  const made = await import(pathToFileURL(outfile).href);
  rmSync(outfile);
  return made.manualPage(version);
}

/** File names in the completion folders of the shells. */
const completions = { bash: "porthole", zsh: "_porthole", fish: "porthole.fish" };

/**
 * Builds build/: the bench and the examples, which import the library by name, as users do.
 */
export async function bundleDeveloperPrograms(examples) {
  await build({
    ...common,
    entryPoints: {
      ...(existsSync("bench/main.ts") && { bench: "bench/main.ts" }),
      ...Object.fromEntries(examples.map((file) => [file.replace(/\.ts$/, ""), file])),
    },
    outdir: "build",
    outExtension: { ".js": ".mjs" },
    packages: "external",
    // The paths of tsconfig.json are for types only: the programs import the built library.
    external: ["porthole", "porthole/*"],
  });
}

/** Runs the command and returns its output. */
function said(folder, ...args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [`${folder}/porthole.js`, ...args]);
  if (status !== 0) throw new Error(`porthole ${args.join(" ")} failed: ${stderr}`);
  return stdout;
}
