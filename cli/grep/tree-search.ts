import { posix } from "node:path";
import { limitMemory } from "../../src/descriptors/index.ts";
import { PortholeError } from "../../src/errors.ts";
import { ensureTreeDirectory, type Tree, type TreeTarget } from "../../src/routes/index.ts";
import { followLinks, type OpenFile, type Session } from "../../src/sessions/index.ts";
import { type Target, targetName } from "../../src/target.ts";
import type { SessionPool } from "../targets/session-pool.ts";
import type { Launch } from "../with/launcher.ts";
import { type Flag, FlagSet } from "./arguments.ts";
import { onExit } from "./on-exit.ts";
import type { Ripgrep } from "./ripgrep.ts";
import type { OutputFilter } from "./run.ts";
import { SearchStatus } from "./status.ts";
import { colourCheck, colourSearch, ESCAPE_PATTERN, linksReason } from "./tree-flags.ts";
import { startOnTrees } from "./tree-run.ts";

/** An open directory that the user named as a target. */
export interface OpenDirectory {
  session: Session;
  target: Target;
  /** The name on the command line. The names of its files begin with it. */
  text: string;
  /** The open directory; undefined if no agent passes it, because its file system may block. */
  file: OpenFile | undefined;
}

/** ripgrep's output from a search on trees. */
export interface TreeOutput {
  output: Buffer;
  status: number;
}

/** Thrown if the search needs links instead of trees. The message is the reason. */
export class NotOnTrees extends Error {}

/**
 * Milliseconds after which the search falls back to links, which print results as they are found.
 */
const TIMEOUT_MS = 3_000;
/** Maximum bytes of output. The output is buffered until the search has ended. */
const MAX_OUTPUT = 16 * 1024 * 1024;

/** A search of directories. */
export interface TreeSearch {
  directories: readonly OpenDirectory[];
  flags: readonly Flag[];
  /** True if colour codes of the files may be part of the output. */
  isRaw: boolean;
  /**
   * Returns the ripgrep command line with these options. The names of the directories are appended.
   */
  command: (flags: readonly Flag[]) => readonly string[];
  filter: OutputFilter | undefined;
  /** Memory limit of ripgrep in bytes. */
  memory: number;
}

/**
 * Runs ripgrep below trees of the targets, in a mount namespace where their names are paths.
 * ripgrep walks and reads without agents. So its output is discarded if only agents and links can
 * handle what it found. That is an error, colour codes, or a file system whose server may block.
 * @throws NotOnTrees; PortholeError CANCELLED
 */
export async function searchTrees(search: TreeSearch, sessions: SessionPool): Promise<TreeOutput> {
  const { flags, isRaw, command, filter, memory, directories } = search;
  const reason = linksReason(flags);
  if (reason !== undefined) throw new NotOnTrees(reason);
  const files = await Promise.all(directories.map(fileOf));
  const deadline = performance.now() + TIMEOUT_MS;
  const run = async (args: readonly string[], buffered: BufferedOutput) => {
    const trees = await takeTrees(directories, sessions);
    try {
      return await runOnTrees([...args, "--", ...directories.map(({ text }) => text)], { trees, files }, buffered);
    } finally {
      for (const { tree } of trees) tree.close();
    }
  };
  const check = colourCheck(flags, isRaw);
  if (check === "before") {
    const look = new BufferedOutput({ deadline, memory });
    if ((await run(command(colourSearch(flags)), look)).status === SearchStatus.matched) throw new NotOnTrees(COLOURED);
  }
  const noEscapes = check === "along";
  const isJson = noEscapes && new FlagSet(flags).isOn("json", "no-json");
  const buffered = new BufferedOutput({ deadline, memory, filter, noEscapes, isJson });
  return run(command(noEscapes ? [...flags, ESCAPE_PATTERN] : flags), buffered);
}

const COLOURED = "a file has escape characters";

async function runOnTrees(
  command: readonly string[],
  on: Pick<Launch, "trees" | "files">,
  buffered: BufferedOutput,
): Promise<TreeOutput> {
  const launch: Launch = {
    ...on,
    at: ensureTreeDirectory(),
    directory: ".",
    write: false,
    allMounts: false,
    storageOnly: true,
  };
  let release: () => void = () => undefined;
  try {
    const { child, started } = startOnTrees(launch, command);
    release = onExit(() => child.kill());
    buffered.read(child);
    for (const { message } of (await started).values()) throw new NotOnTrees(message);
    const output = await buffered.end();
    const { status, signal } = await child.ended;
    if (signal !== null || status === null || status > SearchStatus.unmatched)
      throw new NotOnTrees(`ripgrep ended with ${signal ?? `status ${status}`}`);
    return { output, status };
  } catch (error) {
    throw buffered.reason ?? asReason(error);
  } finally {
    release();
    buffered.close();
  }
}

async function takeTrees(
  directories: readonly OpenDirectory[],
  sessions: SessionPool,
): Promise<{ name: string; tree: Tree }[]> {
  const targets = new Map(
    directories.map(({ target, session }) => [`${targetName(target)}:`, { target: target as TreeTarget, session }]),
  );
  const taken = await Promise.allSettled(
    Array.from(targets, async ([name, { target, session }]) => ({
      name,
      tree: await sessions.directTree(session, target),
    })),
  );
  const trees = taken.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  const failed = taken.find((result) => result.status === "rejected");
  if (failed === undefined) return trees;
  for (const { tree } of trees) tree.close();
  throw asReason(failed.reason);
}

function asReason(error: unknown): unknown {
  if (error instanceof PortholeError && error.code !== "CANCELLED") return new NotOnTrees(error.message);
  return error;
}

/**
 * Returns the directory's path below the launcher's directory. It must equal the directory's name,
 * because a tree does not follow links.
 */
async function fileOf({ session, target, text, file }: OpenDirectory): Promise<Launch["files"][number]> {
  const root = `${targetName(target)}:`;
  if (file === undefined) throw new NotOnTrees(`the file system of ${text} may not answer`);
  if (target.kind === "local" || target.kind === "output" || text !== root + target.path)
    throw new NotOnTrees(`${text} is not the name of a path in a tree`);
  const path = await followLinks(target.path, (link) => session.readlink(link));
  if (path !== posix.normalize(target.path).replace(/(?!^)\/+$/, ""))
    throw new NotOnTrees(`the path of ${text} contains a link`);
  return { file, path: root + (path === "/" ? "" : path), isOffline: session.offline !== undefined };
}

/** Buffers the output of a run. Ends the run once its output must be discarded. */
class BufferedOutput {
  /** The reason why the output is discarded. */
  reason: NotOnTrees | undefined;
  readonly #memory: number;
  readonly #noEscapes: boolean;
  readonly #isJson: boolean;
  readonly #filter: OutputFilter | undefined;
  readonly #timer: NodeJS.Timeout;
  readonly #pieces: Uint8Array[] = [];
  #length = 0;
  #child: Ripgrep | undefined;
  #ended: Promise<unknown> = Promise.resolve();

  /**
   * @param deadline in the unit of performance.now(); @param memory limit of the process, in bytes;
   * @param filter for the output; @param noEscapes discard output whose file content has an escape
   * character;
   * @param isJson the output is ripgrep's JSON
   */
  constructor({
    deadline,
    memory,
    filter,
    noEscapes = false,
    isJson = false,
  }: {
    deadline: number;
    memory: number;
    filter?: OutputFilter | undefined;
    noEscapes?: boolean;
    isJson?: boolean;
  }) {
    this.#memory = memory;
    this.#noEscapes = noEscapes;
    this.#isJson = isJson;
    this.#filter = filter;
    const left = Math.max(0, deadline - performance.now());
    this.#timer = setTimeout(() => this.#giveUp(`it takes longer than ${TIMEOUT_MS} ms`), left);
  }

  read(child: Ripgrep): void {
    this.#child = child;
    limitUnlessEnded(child.pid, this.#memory);
    this.#ended = Promise.all([
      each(child.output ?? [], (bytes) => this.#add(bytes)),
      each(child.messages, () => this.#giveUp("ripgrep has a message")),
    ]);
    this.#ended.catch(() => undefined);
    // The timer may have fired before.
    if (this.reason !== undefined) child.kill();
  }

  /** Returns the complete output, once the streams have ended. */
  async end(): Promise<Buffer> {
    await this.#ended;
    if (this.#filter) this.#keep(this.#filter.end());
    if (this.reason !== undefined) throw this.reason;
    const output = Buffer.concat(this.#pieces);
    if (this.#isJson && hasJsonEscape(output)) throw new NotOnTrees(COLOURED);
    return output;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#child?.kill();
    this.#child?.close();
  }

  #add(bytes: Buffer): void {
    this.#length += bytes.length;
    if (this.#length > MAX_OUTPUT) this.#giveUp(`it prints more than ${MAX_OUTPUT} bytes`);
    else this.#keep(this.#filter?.push(bytes) ?? bytes);
  }

  #keep(bytes: Buffer): void {
    this.#pieces.push(bytes);
    if (this.#noEscapes && (this.#filter?.hasEscape ?? bytes.includes(0x1b))) this.#giveUp(COLOURED);
  }

  #giveUp(why: string): void {
    this.reason ??= new NotOnTrees(why);
    this.#child?.kill();
  }
}

async function each(chunks: AsyncIterable<Buffer> | Iterable<Buffer>, action: (bytes: Buffer) => void): Promise<void> {
  for await (const bytes of chunks) action(bytes);
}

/**
 * True if ripgrep's JSON contains an escape character: in a string, or in the base64 of a line that
 * is not UTF-8. Also true for a line with the text `\u001b`: its search then falls back to links
 * without need.
 */
function hasJsonEscape(output: Buffer): boolean {
  if (output.includes("\\u001b")) return true;
  for (let at = output.indexOf(BASE64); at >= 0; at = output.indexOf(BASE64, at + 1)) {
    const start = at + BASE64.length;
    const coded = output.toString("latin1", start, Math.max(start, output.indexOf('"', start)));
    if (Buffer.from(coded, "base64").includes(0x1b)) return true;
  }
  return false;
}

const BASE64 = '"bytes":"';

function limitUnlessEnded(pid: number, bytes: number): void {
  try {
    limitMemory(pid, bytes);
  } catch {}
}
