import type { ChildProcess } from "node:child_process";
import { isAbsolute } from "node:path";
import type { Duplex } from "node:stream";
import { getSystemErrorName } from "node:util";
import { errnoText, setNonBlocking } from "../../src/descriptors/index.ts";
import { PortholeError } from "../../src/errors.ts";
import { agentProgram, type Tree } from "../../src/routes/index.ts";
import type { OpenFile } from "../../src/sessions/index.ts";
import { pathBytes } from "../../src/target.ts";
import { endOf, FIRST_FILE, start, startError, type ToolEnd, withSignals } from "./run-tool.ts";

/** Trees of targets for a local command, and the files that it opens in them. */
export interface Launch {
  /** An empty directory of this user. Only the command sees the trees below it. */
  at: string;
  /** `name` is the directory below {@link at}: `web:`. */
  trees: readonly { name: string; tree: Tree }[];
  /**
   * Each named file or directory, with its path below {@link at}, or an absolute path of this
   * machine. The path is undefined if the file is passed by descriptor. Files of an offline target
   * are on another mount than the tree.
   */
  files: readonly { file: OpenFile; path: string | undefined; isOffline: boolean }[];
  /** Working directory of the command, below {@link at}; undefined keeps that of this process. */
  directory: string | undefined;
  write: boolean;
  /** Keeps mounts whose server may block. */
  allMounts: boolean;
  /**
   * Refuses files on, or below, a mount whose server may block, or on which a read has an effect.
   */
  storageOnly?: boolean;
  /**
   * The only tree becomes the root directory, so that its links are followed. In that root, the
   * command sees these local files in `/.porthole`, and paths without the tree's name.
   */
  enclosed?: { files: readonly { path: string; as: string }[] };
  /** The command's standard streams; default: those of this process. */
  streams?: readonly ["inherit", "pipe", "pipe"];
  /** Receives the process that executes the command. */
  onStart?: (child: ChildProcess) => void;
  /** Namespaces of a process to join: `net`, `pid`, `ipc`, `uts`. */
  join?: { pid: number; started: string; namespaces: readonly string[] } | undefined;
  /** True if the command is a shell on a terminal. */
  isShell?: boolean;
  /** Content of the file `.shell/.zshrc` below {@link at}. */
  script?: string | undefined;
  /** Environment of the command; default: that of this process. */
  environment?: NodeJS.ProcessEnv;
}

/**
 * Runs a local command that sees trees, by `porthole-agent run`. Calls `commandOf` once the trees
 * are attached. Its argument `refused` has the error of each file whose path in a tree cannot be
 * opened: the command inherits that file by descriptor. The caller keeps ownership of files and
 * trees.
 * @throws PortholeError ATTACH if the trees cannot be attached; FILE with the errno of execve(2);
 * any error of `commandOf`
 */
export async function runLaunched(
  launch: Launch,
  commandOf: (refused: ReadonlyMap<number, PortholeError>) => readonly string[],
): Promise<ToolEnd> {
  return withSignals(async (begin) => {
    const passed: number[] = [];
    const options = launchArguments(launch, (fd) => FIRST_FILE + passed.push(fd) - 1);
    const args = ["run", "--host", String(FIRST_FILE + passed.length), ...options];
    const files = launch.files.map(({ file }) => file);
    for (const file of files) if (file.kind !== "directory") setNonBlocking(file.descriptor, false);
    const streams = launch.streams ?? ["inherit", "inherit", "inherit"];
    const stdio = [...streams, ...passed, "pipe"] as const;
    const child = begin(start(agentProgram(), args, [...stdio], { env: launch.environment }));
    const ended = endOf(child, "the launcher");
    launch.onStart?.(child);
    const host = child.stdio.at(-1) as Duplex;
    // The launcher may end before it receives the command.
    host.on("error", () => undefined);
    const lines = linesOf(host);
    try {
      const refusals = readyLine(await nextLine(lines), launch);
      const command = commandOf(refusals);
      host.end(commandBytes(command));
      const failure = (await nextLine(lines)).replace(/^porthole-agent: /, "");
      if (failure === "") return await ended;
      throw launchError(failure, command);
    } catch (error) {
      host.destroy();
      await ended.catch(() => undefined);
      throw error;
    }
  });
}

/** Returns the command as the launcher expects it. */
export function commandBytes(command: readonly string[]): Buffer {
  return Buffer.concat(command.map((word) => Buffer.concat([pathBytes(word), Buffer.of(0)])));
}

/** Returns the error for a line of the launcher after `ready`. */
export function launchError(line: string, command: readonly string[]): PortholeError {
  const errno = Number(/^exec (\d+)$/.exec(line)?.[1]);
  return Number.isNaN(errno) ? notAttached(line) : startError(command[0] ?? "", asSystemError(errno));
}

/**
 * Returns the launcher's options, without `--host`.
 * @param pass returns the number of a descriptor in the launcher; called for the files first
 */
export function launchArguments(launch: Launch, pass: (fd: number) => number): string[] {
  const { at, trees, files, directory, write, allMounts, storageOnly, enclosed, join, isShell, script } = launch;
  const numbers = files.map(({ file }) => String(pass(file.fd)));
  const inherited = (fd: number) => String(pass(fd));
  const attached = trees.flatMap(({ name, tree: { fd, table } }) => [
    ...["--tree", inherited(fd.number), "--name", name],
    ...(table === undefined ? [] : ["--table", inherited(table.number)]),
  ]);
  const opened = files.flatMap(({ path, isOffline }, index) => {
    const number = numbers[index] as string;
    if (path === undefined) return ["--keep", number];
    return isAbsolute(path) ? [] : ["--file", number, "--path", path, ...(isOffline ? ["--offline"] : [])];
  });
  const flags = [
    ...(write ? ["--rw"] : []),
    ...(allMounts ? ["--all-mounts"] : []),
    ...(storageOnly ? ["--storage-only"] : []),
    ...(enclosed ? ["--enclose", ...enclosed.files.flatMap(({ path, as }) => ["--program", path, "--as", as])] : []),
  ];
  const begin = directory === undefined ? [] : ["--directory", directory];
  const joined = join?.namespaces.flatMap((namespace) => ["--join", namespace]) ?? [];
  if (join) joined.push("--target-pid", String(join.pid), "--target-start", join.started);
  const shell = [...(isShell ? ["--shell"] : []), ...(script === undefined ? [] : ["--script", script])];
  return ["--at", at, ...attached, ...opened, ...begin, ...flags, ...joined, ...shell];
}

async function* linesOf(stream: Duplex): AsyncGenerator<string, void, undefined> {
  let text = "";
  try {
    for await (const piece of stream.iterator({ destroyOnReturn: false })) {
      const lines = (text + String(piece)).split("\n");
      text = lines.pop() ?? "";
      yield* lines;
    }
  } catch {
    // The launcher was killed. The code that waits for it reports its end.
  }
}

/**
 * Returns the next line. It is empty at the end of the stream: the launcher has become the command,
 * or has ended.
 */
async function nextLine(lines: AsyncGenerator<string, void, undefined>): Promise<string> {
  const { value } = await lines.next();
  return typeof value === "string" ? value : "";
}

/** Returns the files that cannot be opened by their paths, by their index among all files. */
export function readyLine(line: string, { files }: Pick<Launch, "files">): Map<number, PortholeError> {
  if (!/^ready( \d+)*$/.test(line)) throw notAttached(line);
  const answers = line.split(" ").slice(1).map(Number);
  const asked = [...files.entries()].filter(([, { path }]) => path !== undefined && !isAbsolute(path));
  return new Map(
    asked.flatMap(([number], index) => {
      const errno = answers[index] ?? 0;
      return errno === 0 ? [] : [[number, fileError(errno)] as const];
    }),
  );
}

function fileError(errno: number): PortholeError {
  const { code, message } = asSystemError(errno);
  return new PortholeError("FILE", code === "ESTALE" ? "another file is at its path now" : message, { errno: code });
}

function notAttached(line: string): PortholeError {
  const why = line.replace(/^porthole-agent: /, "") || "the launcher ended unexpectedly";
  const isRefused = why.startsWith("this system refuses");
  const hint = isRefused
    ? "name single files, which are passed by descriptor; porthole doctor names the setting"
    : undefined;
  return new PortholeError("ATTACH", `cannot attach the mounts: ${why}`, { hint });
}

/** Converts an errno of the kernel to the form of Node's own errors. */
function asSystemError(errno: number): NodeJS.ErrnoException {
  return Object.assign(new Error(errnoText(errno)), { code: getSystemErrorName(-errno), errno: -errno });
}
