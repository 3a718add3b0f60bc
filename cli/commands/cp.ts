import { ftruncateSync } from "node:fs";
import { isTerminal } from "../../src/descriptors/index.ts";
import { PortholeError } from "../../src/errors.ts";
import { kindOf, type Session } from "../../src/sessions/index.ts";
import { parseTarget, pathBytes } from "../../src/target.ts";
import type { CopyDirectory } from "../cp/copy-directory.ts";
import { withCopyName } from "../cp/copy-name.ts";
import { type CopyPlace, CopyPlaces, inDirectories } from "../cp/copy-place.ts";
import { type CopyContext, copyFile, copyTree, isOutputLost } from "../cp/copy-tree.ts";
import { openDestination } from "../cp/destination.ts";
import { LocalCopies } from "../cp/local-copies.ts";
import { ReceivedCopies } from "../cp/received-copies.ts";
import { SentCopies } from "../cp/sent-copies.ts";
import { exitStatus, report } from "../io/fail.ts";
import { write } from "../io/output.ts";
import { filesLine, Progress } from "../io/progress.ts";
import { openTarget, unlessDirectory, withHint } from "../targets/open-target.ts";
import type { ConnectionOptions } from "../targets/options.ts";
import { type NamedTarget, SessionPool } from "../targets/session-pool.ts";

export interface CpOptions extends ConnectionOptions {
  dereference?: boolean;
  force?: boolean;
  parents?: boolean;
  rw?: boolean;
}

/**
 * `porthole cp`: copies targets to this machine, continues after a failure, and returns the worst
 * status. With `--rw` it overwrites one existing file of a target.
 */
export async function cp(paths: string[], options: CpOptions): Promise<number> {
  const sources = paths.slice(0, -1);
  const destination = paths.at(-1) ?? "";
  if (sources.length === 0)
    throw new PortholeError("USAGE", `cp: no destination after '${destination}'`, {
      hint: `porthole cp ${destination} .`,
    });
  return copying(options, async (context) => {
    const into = parseTarget(destination);
    const named = await context.sessions.expand(sources, context.failed);
    if (into.kind !== "local") return overwrite(named, { text: destination, target: into }, options, context.sessions);
    const { directory, name } = openDestination(into.path, named.length);
    using copies = new LocalCopies(directory);
    await copyAll(named, copies, new CopyPlaces(name, options), context);
  });
}

/**
 * `porthole __copies`: sends targets to the porthole of another machine, which creates the copies.
 * With `--one`, the other porthole chooses the copy's name.
 */
export async function sendCopies(sources: string[], options: CpOptions & { one?: boolean }): Promise<number> {
  return copying(options, async (context) => {
    const places = new CopyPlaces(options.one ? "copy" : undefined, options);
    const named = await context.sessions.expand(sources, context.failed);
    using copies = SentCopies.begin(named.length);
    await copyAll(named, copies, places, context);
  });
}

/**
 * `porthole __received`: creates the files that `porthole __copies` sends, from standard input, and
 * prints the names of the copies. For `kubectl porthole cp`, whose program has no native part.
 * `place` is the place of the sources.
 */
export async function receiveCopies(
  path: string,
  { force, place }: { force?: boolean; place?: string },
): Promise<number> {
  let status = 0;
  const failed = (error: unknown) => {
    report(error);
    status = Math.max(status, exitStatus(error));
  };
  using copies = new ReceivedCopies({ path, replace: force === true, place, failed });
  for await (const bytes of process.stdin) copies.take(bytes as Buffer);
  if (place !== undefined) write(`${[...copies.names].join("\n")}\n`);
  return status;
}

/** Runs the copies of a command. Reports errors and progress. Returns the exit status. */
async function copying(options: CpOptions, action: (context: CopyContext) => Promise<void>): Promise<number> {
  using sessions = new SessionPool(options);
  const progress = isTerminal(2) ? new Progress() : undefined;
  let status = 0;
  let [bytes, files] = [0n, 0];
  const context: CopyContext = {
    sessions,
    dereference: options.dereference === true,
    replace: options.force === true,
    failed(error) {
      progress?.erase();
      report(error);
      status = Math.max(status, exitStatus(error));
    },
    copied(more) {
      bytes += more;
      if (more === 0n) files++;
      progress?.show((elapsedMs, columns) => filesLine(files, Number(bytes), elapsedMs, columns));
    },
  };
  try {
    await action(context);
  } catch (error) {
    context.failed(error);
  } finally {
    progress?.erase();
  }
  return status;
}

async function copyAll(
  sources: readonly NamedTarget[],
  into: CopyDirectory,
  places: CopyPlaces,
  context: CopyContext,
): Promise<void> {
  for (const source of sources) {
    try {
      await copyOne(source, into, places.take(source), context);
    } catch (error) {
      if (isOutputLost(error)) throw error;
      context.failed(withHint(error, `porthole cat --consume ${source.text} > FILE`));
    }
  }
}

async function copyOne(
  source: NamedTarget,
  into: CopyDirectory,
  { directories, name }: CopyPlace,
  context: CopyContext,
): Promise<void> {
  const session = await context.sessions.session(source.target);
  const file = await unlessDirectory(openTarget(session, source, {}));
  try {
    const stat = file?.stat ?? (await session.stat(source.target.path));
    const kind = source.target.kind === "output" ? "file" : kindOf(stat.mode);
    if (kind !== "file" && kind !== "directory")
      throw new PortholeError("FILE", `not copied: ${source.text}: a ${kind}`, { hint: "porthole cat reads it" });
    await inDirectories(into, directories, async (directory) => {
      if (file !== undefined && kind === "file") return copyFile(file, directory, name ?? "", context);
      if (name === undefined) return copyTree(source, session, directory, context);
      using copy = directory.subdirectory(pathBytes(name));
      await copyTree(source, session, copy, context);
      if (copy.isNew) copy.finish(stat.mode, stat);
    });
  } finally {
    file?.close();
  }
}

/** Overwrites the content of an existing file of a target, in place. */
async function overwrite(
  sources: readonly NamedTarget[],
  into: NamedTarget,
  { rw }: CpOptions,
  sessions: SessionPool,
): Promise<void> {
  const [source] = sources;
  if (source === undefined) return;
  const create = creation(source, into);
  if (rw !== true)
    throw new PortholeError("USAGE", `cannot copy to ${into.text}: porthole only reads in a container`, {
      hint: `--rw overwrites an existing file${create === undefined ? "" : `; to create one: ${create}`}`,
    });
  if (sources.length > 1)
    throw new PortholeError("USAGE", "cannot overwrite one file with several sources", {
      hint: "name one source with --rw",
    });
  await using from = await openTarget(await sessions.session(source.target), source, {});
  if (from.kind !== "file") throw new PortholeError("FILE", `not copied: ${source.text}: a ${from.kind}`);
  const session = await sessions.session(into.target);
  await using to = await openTarget(session, into, { write: true }).catch((error: unknown) => {
    throw withCreation(error, session, create);
  });
  if (to.kind !== "file" || to.relayed)
    throw new PortholeError(
      "FILE",
      `cannot overwrite ${into.text}: ${to.relayed ? "its file system is relayed" : `a ${to.kind}`}`,
    );
  try {
    ftruncateSync(to.fd, Number(await from.copyTo(to.fd)));
  } catch (error) {
    throw withCopyName(error, into.text);
  }
}

/**
 * Returns the command that creates a file in a container: docker cp, if the source or the
 * destination is on this machine.
 */
function creation(source: NamedTarget, into: NamedTarget): string | undefined {
  if (into.target.kind !== "container") return undefined;
  if (source.target.kind === "local") return `docker cp ${source.text} ${into.text}`;
  return `porthole cp ${source.text} copy && docker cp copy ${into.text}`;
}

/**
 * Adds the command that writes the file, if porthole cannot: it is missing, or nothing runs there.
 */
function withCreation(error: unknown, { offline }: Session, create: string | undefined): unknown {
  if (!(error instanceof PortholeError)) return error;
  const { code, message, errno } = error;
  const isReadOnly = errno === "EROFS" && offline !== undefined;
  if (errno !== "ENOENT" && !isReadOnly) return error;
  const why = isReadOnly ? "porthole writes only to running containers" : "porthole creates no files there";
  return new PortholeError(code, message, { errno, hint: create === undefined ? why : `${why}; ${create}` });
}
