import { dieBySignal } from "../../src/descriptors/index.ts";
import { PortholeError } from "../../src/errors.ts";
import type { OpenFile } from "../../src/sessions/index.ts";
import { report } from "../io/fail.ts";
import { openTarget } from "../targets/open-target.ts";
import type { ConnectionOptions } from "../targets/options.ts";
import { type NamedTarget, SessionPool } from "../targets/session-pool.ts";
import { makeLinks } from "../with/links.ts";
import {
  hasDirectory,
  hasPlaceholder,
  substitute,
  substituteDirectory,
  withoutPlaceholders,
} from "../with/placeholders.ts";
import { reopenError, runTool, type ToolEnd, type ToolFiles, toolPath } from "../with/run-tool.ts";

/** Exit statuses if the command did not run, as those of env(1) and docker run. */
const Status = { failed: 125, cannotRun: 126, notFound: 127 } as const;

/** Options of `porthole with`. */
export interface WithOptions extends ConnectionOptions {
  rw?: boolean;
  consume?: boolean;
  stdin?: boolean;
}

/**
 * `porthole with`: runs a command of this machine on files of targets. Ends with its status or
 * signal.
 */
export async function withTool(targets: string[], command: string[], options: WithOptions): Promise<number> {
  const sessions = new SessionPool(options);
  let end: ToolEnd | number;
  try {
    end = await runWith(sessions, targets, command, options);
  } catch (error) {
    report(error);
    end = Status.failed;
  } finally {
    sessions.close();
  }
  if (typeof end === "number") return end;
  if (end.signal !== null) dieBySignal(end.signal);
  return end.status ?? Status.failed;
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
  if (named === undefined) return Status.failed;
  const files = named.map(({ file }) => file);
  // A relayed file needs the session.
  if (!files.some((file) => file.relayed)) sessions.close();
  if (options.stdin === true || !(hasPlaceholder(args) || hasDirectory(args)))
    return start(name, args, { input: oneInput(named) });
  checkPaths(named, command, options.rw === true);
  const paths = files.map((_, index) => toolPath(index));
  const filled = substitute(args, paths);
  if (!hasDirectory(args)) return start(name, filled, { files });
  const links = makeLinks(
    named.map(({ target }) => target),
    paths,
  );
  try {
    return await start(name, substituteDirectory(filled, links.path), { files });
  } finally {
    links.remove();
  }
}

async function start(name: string, args: string[], files: ToolFiles): Promise<ToolEnd | number> {
  try {
    return await runTool(name, args, files);
  } catch (error) {
    report(error);
    const { errno } = error as PortholeError;
    return errno === undefined ? Status.failed : errno === "ENOENT" ? Status.notFound : Status.cannotRun;
  }
}

interface NamedFile extends NamedTarget {
  file: OpenFile;
}

/** Opens every target and reports each failure. Returns undefined if any failed. */
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
    }
  }
  return failures === 0 ? files : undefined;
}

async function openOne(sessions: SessionPool, named: NamedTarget, { rw, consume }: WithOptions): Promise<OpenFile> {
  const { text, target } = named;
  const file = await openTarget(await sessions.session(target), named, { write: rw, consume });
  if (file.kind !== "directory") return file;
  file.close();
  throw new PortholeError("FILE", `cannot pass ${text} to a command: Is a directory`, {
    errno: "EISDIR",
    // A command that walks it would follow the container's links into files of this machine.
    hint: `name its files: '${text.replace(/\/*$/, "/*")}'`,
  });
}

function oneInput(named: NamedFile[]): OpenFile | undefined {
  if (named.length === 1) return named[0]?.file;
  throw new PortholeError("USAGE", `cannot pass ${named.length} files as one standard input`, {
    hint: "add {} to the command for all files, or {1}, {2}",
  });
}

/** Fails before the command starts if it could not open a path that it is given. */
function checkPaths(named: NamedFile[], command: string[], write: boolean): void {
  for (const { text, file } of named) {
    const error = file.relayed
      ? new PortholeError("FILE", "the agent relays it, because its file system may not answer")
      : reopenError(file, write);
    if (error === undefined) continue;
    const plain = named.length === 1 ? withoutPlaceholders(command) : undefined;
    const hint = plain && `pass it as standard input: porthole with ${quoted([text])} -- ${quoted(plain)}`;
    throw new PortholeError("FILE", `the command cannot open ${text} by path: ${error.message}`, {
      errno: error.errno,
      hint: hint ?? "pass a single file as standard input, without {}",
    });
  }
}

function quoted(words: string[]): string {
  return words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(" ");
}
