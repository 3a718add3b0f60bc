import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync, realpathSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { PortholeError } from "../errors.ts";
import { agentProgram } from "../routes/agents/agent-program.ts";

/** A file of the running installation, and its path in the image. */
export interface InstalledFile {
  /** Absolute path on this machine. */
  source: string;
  /** Absolute path in the image. */
  path: string;
  mode: number;
  size: number;
  /** Milliseconds since 1970. Not part of the image. */
  modified: number;
}

/** Directory of porthole in its image. */
const HOME_IN_IMAGE = "/porthole";
/** Path of Node in the image. */
export const NODE_IN_IMAGE = "/usr/local/bin/node";
/** The command in the image, and the agent program. */
export const COMMAND_IN_IMAGE = `${HOME_IN_IMAGE}/dist/porthole.js`;
export const AGENT_IN_IMAGE = `${HOME_IN_IMAGE}/agent/build/porthole-agent`;
/** ripgrep, if the installation has it. */
export const RIPGREP_IN_IMAGE = `${HOME_IN_IMAGE}/node_modules/${ripgrep()}/bin/rg`;

/**
 * Every file that the running command needs on a machine with only a kernel, sorted by path.
 * Includes Node and its shared libraries, the built command, the agent, koffi's native part and
 * ripgrep.
 * @throws PortholeError FILE, with the reason, if a part is missing
 */
export function installedFiles(): InstalledFile[] {
  const dist = dirname(fileURLToPath(new URL("porthole.js", import.meta.url)));
  if (!existsSync(join(dist, "porthole.js")))
    throw new PortholeError("FILE", `no built command in ${dist}`, { errno: "ENOENT", hint: "run npm run build" });
  const found = [
    fileAt(realpathSync(process.execPath), NODE_IN_IMAGE, 0o755),
    ...sharedLibraries(),
    ...folder(dist, `${HOME_IN_IMAGE}/dist`, isNeeded),
    fileAt(join(dirname(dist), "package.json"), `${HOME_IN_IMAGE}/package.json`),
    fileAt(agentProgram(), AGENT_IN_IMAGE, 0o755),
    ...nativePackages(dist),
  ];
  const byPath = new Map(found.map((file) => [file.path, file]));
  return [...byPath.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Excludes V8's caches, which differ between builds: each installation creates its own. */
function isNeeded(path: string): boolean {
  return !/\.cache$|^types\/|^\.built$|^completions\/|^porthole\.1$|^kubectl-porthole\.js$/.test(path);
}

function ripgrep(): string {
  return `@vscode/ripgrep-linux-${process.arch}`;
}

/** koffi's native part and ripgrep, from the directories that npm chose. */
function nativePackages(dist: string): InstalledFile[] {
  const require = createRequire(join(dist, "porthole.js"));
  return [`@koromix/koffi-linux-${process.arch}`, ripgrep()].flatMap((name) => {
    const manifest = packageManifest(require, name);
    // A missing package is no error: only `grep` needs ripgrep.
    if (manifest === undefined) return [];
    return folder(dirname(manifest), `${HOME_IN_IMAGE}/node_modules/${name}`, () => true);
  });
}

function packageManifest(require: NodeJS.Require, name: string): string | undefined {
  const directories = require.resolve.paths(name) ?? [];
  return directories.map((directory) => join(directory, name, "package.json")).find((path) => existsSync(path));
}

/**
 * The shared libraries that the kernel has mapped for this process (proc_pid_maps(5)), and the
 * program interpreter under the name in Node's ELF header.
 */
function sharedLibraries(): InstalledFile[] {
  const maps = readFileSync("/proc/self/maps", "utf8").split("\n");
  const mapped = new Set(
    maps.flatMap((line) => /^\S+ r-xp \S+ \S+ [1-9]\d* +(\/.*\.so(?:\.\d+)*)$/.exec(line)?.[1] ?? []),
  );
  const interpreter = interpreterOf(realpathSync(process.execPath));
  const others = [...mapped].filter((path) => interpreter === undefined || path !== realpathSync(interpreter));
  const libraries = others.flatMap((source) => sonames(source).map((path) => fileAt(source, path, 0o755)));
  return interpreter === undefined ? libraries : [...libraries, fileAt(interpreter, interpreter, 0o755)];
}

/**
 * Returns the names in the programs' ELF headers. The kernel reports the file
 * `libstdc++.so.6.0.30`, but the program loads its symbolic link `libstdc++.so.6`.
 */
function sonames(library: string): string[] {
  const [directory, name] = [dirname(library), basename(library)];
  const stem = name.slice(0, name.indexOf(".so"));
  const links = readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isSymbolicLink() && entry.name.startsWith(`${stem}.so`))
    .map((entry) => join(directory, entry.name))
    .filter((link) => existsSync(link) && realpathSync(link) === realpathSync(library));
  return links.length > 0 ? links : [library];
}

/** The interpreter of a 64-bit ELF program, from its header (elf(5)); undefined if it has none. */
function interpreterOf(program: string): string | undefined {
  const head = startOf(program);
  const [tableAt, size, count] = [Number(head.readBigUInt64LE(32)), head.readUInt16LE(54), head.readUInt16LE(56)];
  for (let at = tableAt; at < tableAt + size * count && at + size <= head.length; at += size) {
    if (head.readUInt32LE(at) !== PT_INTERP) continue;
    const from = Number(head.readBigUInt64LE(at + 8));
    return head.toString("latin1", from, from + Number(head.readBigUInt64LE(at + 32)) - 1);
  }
  return undefined;
}

const PT_INTERP = 3;

/**
 * Reads the first page of a file, which contains the program headers and the interpreter's path.
 */
function startOf(path: string): Buffer {
  const fd = openSync(path, "r");
  try {
    const page = Buffer.alloc(4096);
    readSync(fd, page);
    return page;
  } finally {
    closeSync(fd);
  }
}

/** Returns the regular files below a directory. `isWanted` receives paths relative to it. */
function folder(source: string, path: string, isWanted: (path: string) => boolean): InstalledFile[] {
  return readdirSync(source, { recursive: true, encoding: "utf8" })
    .filter((name) => isWanted(name) && statSync(join(source, name)).isFile())
    .map((name) => fileAt(join(source, name), `${path}/${name}`));
}

function fileAt(source: string, path: string, mode?: number): InstalledFile {
  const stat = statSync(source, { throwIfNoEntry: false });
  if (stat === undefined)
    throw new PortholeError("FILE", `the installation is incomplete: no such file: ${source}`, {
      errno: "ENOENT",
      hint: "install porthole again, or build it with npm run build",
    });
  return {
    ...{ source, path, size: stat.size, modified: stat.mtimeMs },
    mode: mode ?? ((stat.mode & 0o111) === 0 ? 0o644 : 0o755),
  };
}
