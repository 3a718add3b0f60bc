import type { ChildProcess } from "node:child_process";
import { dieBySignal, localTypes } from "../../src/descriptors/index.ts";
import { PortholeError } from "../../src/errors.ts";
import {
  type FindExpression,
  isGoneProcess,
  joinPath,
  mountsOf,
  type TakenFile,
  type WalkedDirectory,
} from "../../src/files/index.ts";
import { ensureTreeDirectory, type Tree, type TreeTarget } from "../../src/routes/index.ts";
import { followLinks, type Session } from "../../src/sessions/index.ts";
import { pathText, targetName } from "../../src/target.ts";
import type { NamedTarget, SessionPool } from "../targets/session-pool.ts";
import { runLaunched } from "../with/launcher.ts";
import type { ToolEnd } from "../with/run-tool.ts";
import { findArguments, RecordReader, type WalkRoot } from "./tree-records.ts";

/** A walk below a directory of a target. */
export interface TreeWalk {
  sessions: SessionPool;
  session: Session;
  named: NamedTarget;
  expression: FindExpression;
  /** Receives the error of a file; the walk continues. */
  failed: (error: PortholeError) => void;
}

/**
 * Runs find(1) of this machine to walk below directories on a tree of the target. If there is no
 * tree or no GNU find, yields only false.
 */
export async function* walkOnTree(
  walk: TreeWalk,
  directories: readonly WalkedDirectory[],
): AsyncGenerator<readonly TakenFile[] | false> {
  const { session, named, expression, failed } = walk;
  const root = await walkRootOf(session, named);
  if (root === undefined) return yield false;
  const command = findArguments(root, directories, expression, process.geteuid?.() === 0);
  const tree = command && (await treeOf(walk, named.target as TreeTarget));
  if (command === undefined || tree === undefined) return yield false;
  const records = new RecordReader(root, directories, expression);
  const run = start(`${targetName(named.target as TreeTarget)}:`, tree, command);
  try {
    for await (const chunk of await run.output) {
      const files = records.push(chunk);
      if (files.length > 0) yield files;
    }
    const { status, signal } = await run.ended;
    if (signal !== null && signal !== "SIGKILL") dieBySignal(signal);
    const messages = run.messages();
    if (status !== 0 && !records.hasAny && !messages.some(isOfFile)) yield false;
    else
      for (const message of messages)
        if (!isOfGoneProcess(message, root)) failed(new PortholeError("FILE", shown(message, root, named)));
    if (signal !== null && records.hasAny)
      throw new PortholeError("SESSION", "the search is incomplete: find(1) was killed", { hint: "run it again" });
  } catch (error) {
    // Falls back only if find was not started.
    if (records.hasAny || !(error instanceof PortholeError) || error.code === "CANCELLED") throw error;
    yield false;
  } finally {
    run.child?.kill("SIGKILL");
    await run.ended.catch(() => undefined);
    tree.close();
  }
}

/** Matches a message of find about a file, in the C locale. */
const OF_FILE = /^find: '(.*)': (.*)$/;

function isOfFile(message: string): boolean {
  return OF_FILE.test(message);
}

function isOfGoneProcess(message: string, { path, inTree }: WalkRoot): boolean {
  const [, file, reason] = OF_FILE.exec(message) ?? [];
  const errno = reason === "No such file or directory" ? "ENOENT" : reason === "No such process" ? "ESRCH" : undefined;
  return file?.startsWith(inTree) === true && isGoneProcess(path + file.slice(inTree.length), { errno });
}

/** Converts a message to porthole's words, with the name that the user wrote. */
function shown(message: string, { path, inTree }: WalkRoot, { text, target }: NamedTarget): string {
  const [, file, reason] = OF_FILE.exec(message) ?? [];
  if (file === undefined || !file.startsWith(inTree)) return message;
  const prefix = text.slice(0, text.length - target.path.length);
  return `cannot list ${prefix}${path}${file.slice(inTree.length)}: ${reason}`;
}

async function treeOf({ sessions, session }: TreeWalk, target: TreeTarget): Promise<Tree | undefined> {
  try {
    return await sessions.directTree(session, target);
  } catch (error) {
    if (error instanceof PortholeError && error.code !== "CANCELLED") return undefined;
    throw error;
  }
}

/** Returns undefined if the directory is not in a tree, or is on a mount that a tree lacks. */
async function walkRootOf(session: Session, { target }: NamedTarget): Promise<WalkRoot | undefined> {
  if (target.kind === "local" || target.kind === "output") return undefined;
  const path = await followLinks(target.path, (link) => session.readlink(link));
  const mounts = await mountsOf(session);
  const absent = mounts.filter(({ type, point }) => !(localTypes.has(type) || (type === "overlay" && point === "/")));
  if (absent.some(({ point }) => isWithin(path, point))) return undefined;
  return {
    path: withoutSlash(target.path),
    inTree: `${targetName(target)}:${withoutSlash(path)}`,
    absent: absent.filter(({ point }) => isWithin(point, path)).map(({ point }) => `${targetName(target)}:${point}`),
  };
}

function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(joinPath(directory, ""));
}

const withoutSlash = (path: string) => (path.endsWith("/") ? path.slice(0, -1) : path);

interface Run {
  /** Rejects if find was not started. */
  output: Promise<AsyncIterable<Buffer>>;
  ended: Promise<ToolEnd>;
  child: ChildProcess | undefined;
  /** The messages so far; complete after the end of find. */
  messages(): string[];
}

function start(name: string, tree: Tree, command: readonly string[]): Run {
  const messages: Buffer[] = [];
  const { PATH = "" } = process.env;
  const run: Partial<Run> = {};
  run.output = new Promise((resolve, reject) => {
    run.ended = runLaunched(
      {
        ...{ at: ensureTreeDirectory(), trees: [{ name, tree }], files: [], directory: "." },
        ...{ write: false, allMounts: false, streams: ["inherit", "pipe", "pipe"] },
        environment: { PATH, LC_ALL: "C" },
        onStart: (child) => {
          run.child = child;
          child.stderr?.on("data", (bytes: Buffer) => messages.push(bytes));
          resolve(child.stdout as AsyncIterable<Buffer>);
        },
      },
      () => command,
    );
    run.ended.catch(reject);
  });
  run.messages = () => pathText(Buffer.concat(messages)).split("\n").filter(Boolean);
  return run as Run;
}
