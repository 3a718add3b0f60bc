import { isAbsolute, resolve } from "node:path";
import { dieBySignal } from "../../src/descriptors/index.ts";
import { openFilesLimit, PortholeError } from "../../src/errors.ts";
import type { OpenFile } from "../../src/sessions/index.ts";
import { report } from "../io/fail.ts";
import { openTarget } from "../targets/open-target.ts";
import type { ConnectionOptions } from "../targets/options.ts";
import { type NamedTarget, SessionPool } from "../targets/session-pool.ts";
import { runEnclosed } from "../with/enclosed.ts";
import { runLaunched } from "../with/launcher.ts";
import { Links } from "../with/links.ts";
import { isDirectory, type NamedFile } from "../with/named-file.ts";
import {
  hasDirectory,
  hasPlaceholder,
  substitute,
  substituteDirectory,
  withoutPlaceholders,
} from "../with/placeholders.ts";
import { type Placement, placeInTrees, type Refused, sayDescriptor } from "../with/placement.ts";
import { reopenError } from "../with/reopen-error.ts";
import { CannotRun, runTool, type ToolEnd, ToolStatus, toolPath } from "../with/run-tool.ts";

/** Options of `porthole with`. */
export interface WithOptions extends ConnectionOptions {
  rw?: boolean;
  consume?: boolean;
  stdin?: boolean;
  allMounts?: boolean;
  followLinks?: boolean;
}

/**
 * `porthole with`: runs a local command on files of targets. Ends with the command's status or
 * signal.
 */
export async function withTool(targets: string[], command: string[], options: WithOptions): Promise<number> {
  const sessions = new SessionPool(options);
  let end: ToolEnd | number;
  try {
    end = await runWith(sessions, targets, command, options);
  } catch (error) {
    report(error);
    end = ToolStatus.failed;
  } finally {
    sessions.close();
  }
  if (typeof end === "number") return end;
  if (end.signal !== null) dieBySignal(end.signal);
  return end.status ?? ToolStatus.failed;
}

async function runWith(
  sessions: SessionPool,
  targets: string[],
  command: string[],
  options: WithOptions,
): Promise<ToolEnd | number> {
  const [name, ...args] = command;
  if (name === undefined) {
    throw new PortholeError("USAGE", "no command to run", {
      hint: `porthole with ${targets[0] ?? "CONTAINER:PATH"} -- less`,
    });
  }
  const named = await openAll(sessions, targets, options);
  if (named === undefined) return ToolStatus.failed;
  const directory = named.find(isDirectory);
  if (options.stdin === true && directory !== undefined) throw notInput(directory);
  const byInput = options.stdin === true || !(hasPlaceholder(args) || hasDirectory(args) || directory !== undefined);
  if (byInput) {
    const input = oneInput(named);
    // Keeps the session open for a relayed file: the agent relays it only during the session.
    if (!input.relayed) sessions.close();
    return started(() => runTool(name, args, { input }));
  }
  return options.followLinks === true
    ? started(() => runEnclosed(sessions, named, [name, ...args], options))
    : runInTrees(sessions, named, [name, ...args], options);
}

async function runInTrees(
  sessions: SessionPool,
  named: NamedFile[],
  command: string[],
  { rw: write = false, allMounts = false }: WithOptions,
): Promise<ToolEnd | number> {
  const placement = await placeInTrees(sessions, named, { write, allMounts });
  sessions.close();
  const links = new Links(named);
  const wordsOf: WordsOf = (paths, at, refused) => {
    checkPaths(
      named.filter((_, index) => paths[index] === undefined),
      command,
      write,
    );
    // Reports only after the check, so that a file that cannot be passed by descriptor either is
    // reported once.
    for (const one of [...placement.refused, ...refused]) sayDescriptor(one);
    const shown = paths.map((path, index) => (path === undefined ? toolPath(index) : resolve(at ?? "", path)));
    const isHere = workingDirectory(placement) === ".";
    const [name = "", ...args] = command;
    const filled = substitute(args, isHere ? paths.map((path, index) => path ?? toolPath(index)) : shown);
    return [name, ...(hasDirectory(args) ? substituteDirectory(filled, links.directory(shown)) : filled)];
  };
  try {
    return await started(() => runPlaced(placement, wordsOf, { write, allMounts }));
  } finally {
    links.remove();
    placement.close();
    for (const { file } of named) file.close();
  }
}

/**
 * Replaces the command's placeholders by paths. `undefined` marks a file that is passed by
 * descriptor. Reports these files and the reason.
 */
type WordsOf = (
  paths: readonly (string | undefined)[],
  at: string | undefined,
  refused: readonly Refused[],
) => string[];

/**
 * Runs the command on trees. Passes only descriptors if there is no tree, or if this user cannot
 * attach one.
 */
async function runPlaced(
  placement: Placement,
  wordsOf: WordsOf,
  how: { write: boolean; allMounts: boolean },
): Promise<ToolEnd> {
  const { at, trees, treeFiles } = placement;
  const paths = treeFiles.map(({ path }) => path);
  const files = treeFiles.map(({ file }) => file);
  const refused: Refused[] = [];
  if (trees.length > 0) {
    const launch = { at, trees, files: treeFiles, directory: workingDirectory(placement), ...how };
    try {
      return await runLaunched(launch, (unreadable) => {
        const kept = paths.map((path, index) => (unreadable.has(index) ? undefined : path));
        return wordsOf(
          kept,
          at,
          Array.from(unreadable, ([index, error]) => ({ files: treeFiles.slice(index, index + 1), error })),
        );
      });
    } catch (error) {
      if (!(error instanceof PortholeError) || error.code !== "ATTACH" || treeFiles.some(isDirectory)) throw error;
      refused.push({ files: treeFiles, error });
    }
  }
  const [name = "", ...args] = wordsOf(
    paths.map((path) => (path !== undefined && isAbsolute(path) ? path : undefined)),
    undefined,
    refused,
  );
  const directory = treeFiles.length === 1 && treeFiles.some(isDirectory) ? paths[0] : undefined;
  return runTool(name, args, { files, directory });
}

/**
 * Returns the working directory. It is the named directory. For several files it is the parent of
 * their trees, so that their names look like targets.
 */
function workingDirectory({ treeFiles }: Placement): string | undefined {
  if (!treeFiles.some(isDirectory)) return undefined;
  return treeFiles.length === 1 ? treeFiles[0]?.path : ".";
}

/**
 * Runs a command and returns its result. If the command could not be started, reports that and
 * returns the status.
 */
async function started<T>(run: () => Promise<T>): Promise<T | number> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof CannotRun)) throw error;
    report(error);
    return error.errno === "ENOENT" ? ToolStatus.notFound : ToolStatus.cannotRun;
  }
}

/** Opens every target and reports each failure. Returns undefined after a failure. */
async function openAll(
  sessions: SessionPool,
  targets: string[],
  options: WithOptions,
): Promise<NamedFile[] | undefined> {
  let failures = 0;
  const failed = (error: unknown) => {
    failures++;
    report(error);
  };
  const files: NamedFile[] = [];
  for (const named of await sessions.expand(targets, failed)) {
    try {
      files.push({ ...named, file: await openOne(sessions, named, options) });
    } catch (error) {
      failed(error);
      if (openFilesLimit(error) !== undefined) break;
    }
  }
  return failures === 0 ? files : undefined;
}

async function openOne(sessions: SessionPool, named: NamedTarget, { rw, consume }: WithOptions): Promise<OpenFile> {
  const session = await sessions.session(named.target);
  try {
    return await openTarget(session, named, { write: rw, consume });
  } catch (error) {
    // Opens a directory for reading only, even if the command writes below it.
    if (rw !== true || !(error instanceof PortholeError) || error.errno !== "EISDIR") throw error;
    return openTarget(session, named, { consume });
  }
}

function notInput({ text }: NamedFile): PortholeError {
  return new PortholeError("FILE", `${text} cannot be passed as standard input: Is a directory`, {
    errno: "EISDIR",
    hint: "leave out --stdin: the command runs in it",
  });
}

function oneInput(named: NamedFile[]): OpenFile {
  const [first] = named;
  if (named.length === 1 && first !== undefined) return first.file;
  throw new PortholeError("USAGE", `cannot pass ${named.length} files as one standard input`, {
    hint: "add {} to the command for all files, or {1}, {2}",
  });
}

/** Throws before the start if the command could not open one of its paths. */
function checkPaths(named: NamedFile[], command: string[], write: boolean): void {
  for (const { text, file } of named) {
    const error = file.relayed
      ? new PortholeError("FILE", "the agent relays it, because its file system may not answer")
      : reopenError(file, write);
    if (error === undefined) continue;
    throw new PortholeError("FILE", `the command cannot open ${text} by path: ${error.message}`, {
      errno: error.errno,
      hint: file.kind === "directory" ? BY_AGENT : byInput(named, text, command),
    });
  }
}

/** Remedy for files that porthole's agent may read, but this user may not. */
const BY_AGENT = "the command has your rights; porthole ls, find, grep and cp have the agent's";

function byInput(named: NamedFile[], text: string, command: string[]): string {
  const plain = named.length === 1 ? withoutPlaceholders(command) : undefined;
  if (plain === undefined) return "pass a single file as standard input, without {}";
  return `pass it as standard input: porthole with ${quoted([text])} -- ${quoted(plain)}`;
}

function quoted(args: string[]): string {
  return args.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(" ");
}
