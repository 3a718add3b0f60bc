import { isatty } from "node:tty";
import { dieBySignal } from "../../src/descriptors/index.ts";
import { PortholeError } from "../../src/errors.ts";
import { ensureTreeDirectory, joinableProcess, type Tree, type TreeTarget } from "../../src/routes/index.ts";
import { followLinks } from "../../src/sessions/index.ts";
import { parseSessionTarget, targetName } from "../../src/target.ts";
import { complain, printable, report } from "../io/fail.ts";
import { promptedShell } from "../shell/prompt.ts";
import type { ConnectionOptions } from "../targets/options.ts";
import { SessionPool } from "../targets/session-pool.ts";
import { type Launch, runLaunched } from "../with/launcher.ts";
import { CannotRun, type ToolEnd, ToolStatus } from "../with/run-tool.ts";

/** Options of `porthole shell`. */
export interface ShellOptions extends ConnectionOptions {
  in?: string;
  rw?: boolean;
  allMounts?: boolean;
}

/** The parts of a container that a shell can join. */
const PARTS = ["files", "net", "pid", "ipc", "uts"] as const;
type Part = (typeof PARTS)[number];

/**
 * `porthole shell`: runs this user's shell, or a local command, in namespaces of a container. Ends
 * with the command's status or signal.
 */
export async function shell(text: string, command: string[], options: ShellOptions): Promise<number> {
  const sessions = new SessionPool(options);
  let end: ToolEnd;
  try {
    end = await run(sessions, text, command, options);
  } catch (error) {
    report(error);
    if (!(error instanceof CannotRun)) return ToolStatus.failed;
    return error.errno === "ENOENT" ? ToolStatus.notFound : ToolStatus.cannotRun;
  } finally {
    sessions.close();
  }
  if (end.signal !== null) dieBySignal(end.signal);
  return end.status ?? ToolStatus.failed;
}

async function run(
  sessions: SessionPool,
  text: string,
  command: string[],
  { in: list, engine, rw: write = false, allMounts = false }: ShellOptions,
): Promise<ToolEnd> {
  const parts = partsOf(list);
  const target = parseSessionTarget(text);
  if (target.kind === "local" || target.kind === "output")
    throw new PortholeError("USAGE", `'${text}' is not a container`, { hint: "porthole shell CONTAINER, or pid:N" });
  const name = targetName(target);
  const join = await joined(parts, list !== undefined, name, () => joinableProcess(target, { engine }));
  using tree = parts.has("files") ? await sessions.tree(target, { write, allMounts }) : undefined;
  const directory = tree === undefined ? undefined : await directoryOf(sessions, target, `${name}:`);
  sessions.close();
  return await start({ name, tree, directory, join, write, allMounts }, command);
}

function partsOf(list: string | undefined): Set<Part> {
  if (list === undefined) return new Set(PARTS);
  const parts = list.split(",");
  const wrong = parts.find((part) => !PARTS.includes(part as Part));
  if (wrong === undefined) return new Set(parts as Part[]);
  throw new PortholeError("USAGE", `--in ${list}: unknown part '${wrong}'`, {
    hint: `choose from ${PARTS.join(", ")}`,
  });
}

/**
 * Returns the namespaces to join. Skips the PID namespace if the container's processes could take
 * over the command, unless the user asks for it.
 */
async function joined(
  parts: ReadonlySet<Part>,
  isChosen: boolean,
  name: string,
  find: () => ReturnType<typeof joinableProcess>,
): Promise<Launch["join"]> {
  const wanted = [...parts].filter((part) => part !== "files");
  if (wanted.length === 0) return undefined;
  const { pid, started, canTrace } = await find();
  const isLeftOut = canTrace && !isChosen;
  if (isLeftOut) {
    complain(
      printable(
        `pid is left out, because a process of '${name}' may trace others and so take over the shell (--in ${PARTS.join(",")} joins it)`,
      ),
    );
  }
  return { pid, started, namespaces: wanted.filter((part) => part !== "pid" || !isLeftOut) };
}

/**
 * Returns the working directory in the launcher's directory. Resolves links first, because a tree
 * does not follow links.
 */
async function directoryOf(sessions: SessionPool, target: TreeTarget, name: string): Promise<string> {
  if (target.path === "/") return `${name}/.`;
  const session = await sessions.session(target);
  return name + (await followLinks(target.path, (path) => session.readlink(path)));
}

async function start(
  to: Pick<Launch, "directory" | "join" | "write" | "allMounts"> & { name: string; tree: Tree | undefined },
  command: string[],
): Promise<ToolEnd> {
  const { name, tree, ...how } = to;
  const at = ensureTreeDirectory();
  const environment = { ...process.env, PORTHOLE_TARGET: name };
  const isInteractive = command.length === 0 && isatty(0);
  const own = process.env.SHELL || "/bin/sh";
  const prompted = isInteractive
    ? promptedShell(own, name, at, environment)
    : { command: command.length > 0 ? command : [own], environment, script: undefined };
  const trees = tree === undefined ? [] : [{ name: `${name}:`, tree }];
  const launch: Launch = { at, trees, files: [], ...how, isShell: isInteractive, ...prompted };
  return runLaunched(launch, () => prompted.command);
}
