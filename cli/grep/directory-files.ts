import { spawnSync } from "node:child_process";
import { DT_DIR, DT_LNK, DT_REG } from "../../src/descriptors/index.ts";
import { PortholeError } from "../../src/errors.ts";
import { deviceOf, inodeKey, joinPath, nameOf, typeOf, walk } from "../../src/files/index.ts";
import type { Session } from "../../src/sessions/index.ts";
import { pathText } from "../../src/target.ts";
import { type Flag, FlagSet, writeFlags } from "./arguments.ts";
import { FILTERS } from "./flags.ts";
import type { LinkTree } from "./link-tree.ts";

/** A directory that the user named as a target. */
export interface NamedDirectory {
  session: Session;
  /** The name on the command line. The names of its files begin with it. */
  name: string;
  /** The path in the target. */
  path: string;
}

/** A regular file below a {@link NamedDirectory}. */
export interface FoundFile {
  session: Session;
  name: string;
  path: string;
  /** True if it was found through a symbolic link, with `--follow`. */
  isLinked: boolean;
}

const IGNORE_FILE = /^\.(git|rg)?ignore$/;
/** Maximum bytes of an ignore file: ripgrep reads the whole file into memory. */
const MAX_IGNORE_FILE = 1024 * 1024;

/** Finds the files of directories that ripgrep would search, before any of them is opened. */
export class DirectoryFiles {
  readonly #tree: LinkTree;
  readonly #flags: readonly Flag[];
  readonly #set: FlagSet;
  readonly #failed: (error: unknown) => void;
  readonly #enters: (path: string) => boolean;
  readonly #signal: AbortSignal | undefined;
  #hasIgnoreRules = false;

  constructor(
    tree: LinkTree,
    {
      flags,
      mayEnter = () => true,
      signal,
    }: {
      flags: readonly Flag[];
      mayEnter?: ((path: string) => boolean) | undefined;
      signal?: AbortSignal | undefined;
    },
    failed: (error: unknown) => void,
  ) {
    this.#tree = tree;
    this.#flags = flags;
    this.#set = new FlagSet(flags);
    this.#failed = failed;
    this.#enters = mayEnter;
    this.#signal = signal;
  }

  /**
   * Returns the files that pass the filters by name, type, depth and ignore file. Follows symbolic
   * links with `--follow` only.
   * @param program the ripgrep that evaluates ignore files and globs
   * @throws PortholeError SESSION; the reason of an aborted signal
   */
  async find(directories: readonly NamedDirectory[], program: string): Promise<FoundFile[]> {
    const found: FoundFile[] = [];
    for (const directory of directories) {
      this.#tree.addDirectory(trimmed(directory.name));
      await this.#walk(directory, [], found);
    }
    const isFiltered = this.#hasIgnoreRules || this.#flags.some(({ name }) => NAME_FILTERS.has(name));
    const roots = directories.map(({ name }) => name);
    if (isFiltered) return this.#asked(found, roots, program);
    return this.#set.seesHidden ? found : found.filter(({ name }) => !isHidden(name, roots));
  }

  async #walk(directory: NamedDirectory, above: readonly string[], files: FoundFile[]): Promise<void> {
    const { session, name, path } = directory;
    // The trailing slash makes the agent follow a link to a directory.
    const root = path.endsWith("/") ? path : `${path}/`;
    const shown = (found: string) => joinPath(name, found.slice(root.length));
    const oneFileSystem = this.#set.isOn("one-file-system", "no-one-file-system");
    const follows = this.#set.isOn("follow", "no-follow");
    const identities = new Map<string, string>();
    let device: string | undefined;
    const walked = walk(session, root, {
      stat: oneFileSystem || follows,
      ...this.#depth(),
      failed: this.#failed,
      enter: (entry) => {
        const on = entry.stat && deviceOf(entry.stat);
        device ??= on;
        if (oneFileSystem && on !== device) return false;
        return entry.depth === 0 || (this.#mayEnter(entry.name) && this.#enters(entry.path));
      },
    });
    for await (const { path: found, name: last, type, stat, depth } of walked) {
      this.#signal?.throwIfAborted();
      if (follows && type === DT_DIR && stat) identities.set(depth === 0 ? trimmed(found) : found, inodeKey(stat));
      if (depth === 0) continue;
      const file = { session, name: shown(found), path: found, isLinked: above.length > 0 };
      if (type === DT_REG) {
        if (IGNORE_FILE.test(last)) await this.#ignoreFile(file);
        files.push(file);
      } else if (type === DT_DIR && last === ".git") await this.#repository(file);
      else if (type === DT_LNK && follows) await this.#linked(file, [...above, ...ancestors(found, identities)], files);
    }
  }

  /** Adds the files behind a symbolic link. Skips a link to a directory above it. */
  async #linked(file: FoundFile, above: readonly string[], files: FoundFile[]): Promise<void> {
    try {
      const stat = await file.session.stat(file.path);
      const type = typeOf(stat);
      if (type === DT_REG) files.push({ ...file, isLinked: true });
      if (type !== DT_DIR || !this.#mayEnter(nameOf(file.path))) return;
      if (above.includes(inodeKey(stat)))
        throw new PortholeError("FILE", `${file.name}: the link leads to a directory above it`, { errno: "ELOOP" });
      await this.#walk(file, above, files);
    } catch (error) {
      if (!(error instanceof PortholeError) || error.code !== "FILE") throw error;
      this.#failed(error);
    }
  }

  #depth(): { maxDepth?: number } {
    const text = this.#flags.findLast(({ name }) => name === "max-depth" || name === "maxdepth")?.value;
    return text !== undefined && /^\d+$/.test(text) ? { maxDepth: Number(text) } : {};
  }

  /** False for a hidden directory that can contain neither searched files nor ignore rules. */
  #mayEnter(name: string): boolean {
    if (!name.startsWith(".") || this.#set.seesHidden || this.#set.has("glob") || this.#set.has("iglob")) return true;
    return this.#set.heedsIgnoreFiles && name !== ".git";
  }

  async #repository(file: FoundFile): Promise<void> {
    if (!this.#set.heedsIgnoreFiles) return;
    this.#hasIgnoreRules = true;
    this.#tree.addDirectory(file.name);
    try {
      await this.#copy({ ...file, name: `${file.name}/info/exclude`, path: `${file.path}/info/exclude` });
    } catch (error) {
      if (!(error instanceof PortholeError) || error.code !== "FILE") throw error;
    }
  }

  async #ignoreFile(file: FoundFile): Promise<void> {
    if (!this.#set.heedsIgnoreFiles) return;
    this.#hasIgnoreRules = true;
    try {
      await this.#copy(file);
    } catch (error) {
      if (!(error instanceof PortholeError) || error.code !== "FILE") throw error;
      this.#failed(error);
    }
  }

  async #copy({ session, name, path }: FoundFile): Promise<void> {
    const file = await session.open(path);
    try {
      if (file.kind !== "file") return;
      const pieces: Buffer[] = [];
      let length = 0;
      for await (const piece of file.stream()) {
        pieces.push(piece);
        length += piece.length;
        if (length > MAX_IGNORE_FILE) break;
      }
      this.#tree.file(name, Buffer.concat(pieces).subarray(0, MAX_IGNORE_FILE));
    } finally {
      file.close();
    }
  }

  /** Selects the files by a run of ripgrep on empty files of the same names. */
  #asked(found: readonly FoundFile[], roots: readonly string[], program: string): FoundFile[] {
    for (const { name } of found) this.#tree.file(name);
    const flags = this.#flags.filter(({ name }) => FILTERS.has(name));
    const args = ["--no-config", "--files", "--null", "--no-messages", "--no-ignore-parent", ...writeFlags(flags)];
    const { stdout } = spawnSync(program, [...args, "--", ...roots], {
      cwd: this.#tree.directory,
      maxBuffer: Number.MAX_SAFE_INTEGER,
      stdio: ["ignore", "pipe", "ignore"],
    });
    const chosen = new Set(pathText(stdout).split("\0"));
    const files = found.filter(({ name }) => chosen.has(name));
    for (const { name } of files) this.#tree.removeFile(name);
    return files;
  }
}

/** Filters by name. This class evaluates the depth and hidden files itself. */
const NAME_FILTERS = new Set(
  [...FILTERS].filter(
    (name) => !/^(hidden|no-hidden|max-?depth|unrestricted|no-ignore|ignore|no-require-git)$/.test(name),
  ),
);

/** Returns the identities of the directories on a path. */
function ancestors(path: string, identities: ReadonlyMap<string, string>): string[] {
  const found: string[] = [];
  for (let slash = path.lastIndexOf("/"); slash >= 0; slash = slash === 0 ? -1 : path.lastIndexOf("/", slash - 1)) {
    const identity = identities.get(path.slice(0, slash));
    if (identity !== undefined) found.push(identity);
  }
  return found;
}

function trimmed(name: string): string {
  return name.replace(/\/+$/, "");
}

/** True if a component of the name below the named directory begins with a dot. */
function isHidden(name: string, roots: readonly string[]): boolean {
  return roots.every((root) => !name.startsWith(root) || /(^|\/)\.[^/]*/.test(name.slice(trimmed(root).length)));
}
