import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, mkdtempSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { Readable } from "node:stream";
import { inject } from "vitest";
import { afterEachFile } from "./cleanup.ts";
import type { Engine } from "./engine.ts";
import { asUser, ENGINE_GROUP } from "./machine.ts";
import { builtAgent, builtCommand, repository } from "./paths.ts";
import { removeDirectory } from "./remove-directory.ts";
import { textOf } from "./text-of.ts";

/** The result of a run of the command. */
export interface Result {
  /** Exit status; `null` after a signal. */
  code: number | null;
  signal: NodeJS.Signals | null;
  /** Standard output, byte-exact. */
  stdout: Buffer;
  stderr: string;
  /** The same standard output, decoded as UTF-8. */
  text: string;
}

/** Parses an output of one JSON value a line, as `--json` prints it. */
export function jsonLines<Value>(text: string): Value[] {
  return text.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Value]));
}

export interface RunOptions {
  /** Written to standard input. Default: no input (`/dev/null`). */
  input?: string | Buffer;
  /** Additions to the user's environment; `undefined` removes a variable. */
  env?: Record<string, string | undefined>;
  /**
   * Timeout in milliseconds, default 120,000. At the timeout the run is killed and the test fails.
   */
  deadline?: number;
  /** Prefix of the command line, such as `["strace", "-f", "-o", file]`. */
  before?: string[];
}

/** A command that was started and may still run. */
export interface Running {
  pid: number;
  child: ChildProcess;
  stdout: Readable;
  stderr: Readable;
  /** Standard error so far. */
  complaints(): string;
  /** Resolves after its end, when this helper, or the test from `stdout`, has read its output. */
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/**
 * A user of the built command, with home, state and runtime directories, and with or without an
 * engine.
 */
export interface User {
  uid: number;
  /** Contains `home`, `state` and `run`. */
  directory: string;
  env: Record<string, string>;
  /** Runs `porthole ...args` to its end. */
  run(args: readonly string[], options?: RunOptions): Promise<Result>;
  /** Starts `porthole ...args`; killed at the end of the test file. */
  start(args: readonly string[], options?: RunOptions): Running;
  /** Detaches every agent and removes the directories. Idempotent. */
  close(): Promise<void>;
}

export interface UserOptions {
  /** Default: the user that runs the tests. Other users need root. */
  uid?: number;
  /** The engine of DOCKER_HOST; default: a socket without a listener. */
  engine?: Engine;
  /**
   * True if the user may use the engine's socket (default). Applies only to a `uid` other than
   * root.
   */
  inEngineGroup?: boolean;
  /** From {@link copyInstallation}; default: the repository's own build. */
  installation?: string;
}

const users = new Set<User>();
const started = new Set<ChildProcess>();

afterEachFile(async () => {
  for (const child of started) child.kill("SIGKILL");
  started.clear();
  const left = [...users];
  users.clear();
  // Close only a few users at a time: dozens of processes at once cause timeouts.
  await Promise.all(
    Array.from({ length: 3 }, async () => {
      for (let one = left.pop(); one !== undefined; one = left.pop()) await one.close();
    }),
  );
});

/** Creates a user of the command, closed at the end of the test file. */
export function user({
  uid = process.getuid?.() ?? 0,
  engine,
  inEngineGroup = true,
  installation,
}: UserOptions = {}): User {
  const directory = mkdtempSync(`${inject("machine").directory}/user-`);
  for (const name of ["home", "state", "run"]) mkdirSync(`${directory}/${name}`, { mode: 0o700 });
  for (const name of ["", "/home", "/state", "/run"]) chownSync(directory + name, uid, uid);
  const env = {
    PATH: process.env.PATH ?? "/usr/bin:/bin",
    LANG: "C.UTF-8",
    HOME: `${directory}/home`,
    XDG_STATE_HOME: `${directory}/state`,
    XDG_RUNTIME_DIR: `${directory}/run`,
    DOCKER_HOST: engine?.host ?? `unix://${directory}/no-engine.sock`,
  };
  const prefix = uid === process.getuid?.() ? [] : asUser(uid, inEngineGroup ? [ENGINE_GROUP] : []);
  const start = (args: readonly string[], options: RunOptions = {}) =>
    launch(
      [...prefix, ...(options.before ?? []), ...program(uid, installation)],
      args,
      { ...env, ...options.env },
      options,
    );
  let closed: Promise<void> | undefined;
  const self: User = {
    uid,
    directory,
    env,
    start,
    run: (args, options) => finish(start(args, options), args, options),
    close: () => {
      closed ??= detachAll(self).finally(() => {
        users.delete(self);
        removeDirectory(directory);
      });
      return closed;
    },
  };
  users.add(self);
  return self;
}

/**
 * Returns the `Binds` of a container that is prepared for the mount route, from what
 * `porthole docker-args` prints.
 */
export async function mountBinds(by: User): Promise<string[]> {
  const { text } = await by.run(["docker-args"]);
  const [, bind] = /^--volume (\S+:\/run\/porthole:ro)\n$/.exec(text) ?? [];
  if (bind === undefined) throw new Error(`porthole docker-args printed ${JSON.stringify(text)}`);
  return [bind];
}

async function detachAll(by: User): Promise<void> {
  if (!["state", "run"].some((name) => existsSync(`${by.directory}/${name}/porthole`))) return;
  const { code, stderr } = await by.run(["detach", "--all"]);
  if (code !== 0) throw new Error(`porthole detach --all ended with ${code}: ${stderr}`);
}

async function finish(running: Running, args: readonly string[], options: RunOptions = {}): Promise<Result> {
  const { deadline = 120_000 } = options;
  const pieces: Buffer[] = [];
  running.stdout.on("data", (piece: Buffer) => pieces.push(piece));
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    running.child.kill("SIGKILL");
  }, deadline);
  const { code, signal } = await running.ended;
  clearTimeout(timer);
  const stdout = Buffer.concat(pieces);
  const stderr = running.complaints();
  if (late) throw new Error(`porthole ${args.join(" ")} had not ended after ${deadline} ms; stderr: ${stderr}`);
  return { code, signal, stdout, stderr, text: stdout.toString("utf8") };
}

function launch(
  command: string[],
  args: readonly string[],
  env: Record<string, string | undefined>,
  { input }: RunOptions,
): Running {
  const [file = "", ...rest] = [...command, ...args];
  const child = spawn(file, rest, { cwd: "/", env, stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"] });
  started.add(child);
  const complaints = textOf(child.stderr);
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      started.delete(child);
      resolve({ code, signal });
    });
  });
  // A command may end before it has read all its input.
  if (input !== undefined) child.stdin?.on("error", () => undefined).end(input);
  const { pid, stdout, stderr } = child;
  if (pid === undefined || stdout === null || stderr === null) throw new Error(`${file} did not start`);
  return { pid, child, stdout, stderr, complaints, ended };
}

/**
 * Copies the built command, its agent and Node to a new directory that every user can read, so that
 * a test can modify them. Removed with the run's directory. Returns its path.
 */
export function copyInstallation(): string {
  const copy = mkdtempSync(`${inject("machine").directory}/installation-`);
  chmodSync(copy, 0o755);
  for (const part of ["package.json", "dist", "agent/build", "node_modules/koffi", "node_modules/@koromix"])
    if (existsSync(repository + part)) cpSync(repository + part, `${copy}/${part}`, { recursive: true });
  cpSync(process.execPath, `${copy}/node`);
  return copy;
}

/** Returns the command line of the built command, from a directory that `uid` can read. */
function program(uid: number, installation: string | undefined): string[] {
  if (!existsSync(builtCommand) || !existsSync(builtAgent))
    throw new Error("the command is not built: npm test does that, or node build.mjs before npx vitest");
  if (installation !== undefined) return [`${installation}/node`, `${installation}/dist/porthole.js`];
  if (uid === process.getuid?.() || [builtCommand, process.execPath].every(isOpenToAll))
    return [process.execPath, builtCommand];
  // Other users cannot read a clone under /root.
  readableCopy ??= copyInstallation();
  return program(uid, readableCopy);
}

let readableCopy: string | undefined;

function isOpenToAll(path: string): boolean {
  if ((statSync(path).mode & 0o004) === 0) return false;
  for (let at = dirname(path); at !== "/"; at = dirname(at)) if ((statSync(at).mode & 0o001) === 0) return false;
  return true;
}
