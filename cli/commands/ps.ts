import stringWidth from "string-width";
import { PortholeError } from "../../src/errors.ts";
import { listProcesses, type ProcessFile, readNames, type TargetProcess } from "../../src/files/index.ts";
import { kindOf, type Session } from "../../src/sessions/index.ts";
import { targetName } from "../../src/target.ts";
import { sanitiseText } from "../../src/text/index.ts";
import { exitStatus, report } from "../io/fail.ts";
import { jsonLine } from "../io/json.ts";
import { write } from "../io/output.ts";
import { isLaterPart, isPartOfSeveral, shownName } from "../io/part-of-several.ts";
import { humanSize } from "../ls/sizes.ts";
import { containers } from "../ps/containers.ts";
import type { ConnectionOptions } from "../targets/options.ts";
import { SessionPool } from "../targets/session-pool.ts";

export interface PsOptions extends ConnectionOptions {
  files?: boolean;
  deleted?: boolean;
  disk?: boolean;
  json?: boolean;
}

/**
 * `porthole ps`: lists processes and open files of targets, or their disk usage. Continues after a
 * failure and returns the highest status.
 */
export async function ps(texts: readonly string[], options: PsOptions): Promise<number> {
  if (options.disk) return (await import("../ps/disk.ts")).disk(texts, options);
  if (texts.length === 0 && options.label === undefined)
    throw new PortholeError("USAGE", "no container", { hint: "porthole ps CONTAINER, or pid:N" });
  using sessions = new SessionPool(options);
  let status = 0;
  const failed = (error: unknown) => {
    report(error);
    status = Math.max(status, exitStatus(error));
  };
  const targets = await containers(texts.length > 0 ? texts : ["*"], sessions, failed, { runningOnly: true });
  sessions.prepare(targets);
  const isTitled = targets.length > 1 || isPartOfSeveral() || texts.length > 1;
  let isFirst = !isLaterPart();
  for (const target of targets) {
    try {
      const session = await sessions.session(target);
      const title =
        isTitled && !options.json ? `${isFirst ? "" : "\n"}${sanitiseText(shownName(session.name))}:\n` : "";
      write(title + (await listed(session, options, failed)));
      isFirst = false;
    } catch (error) {
      // A container that a pattern matched may end before its processes are listed.
      const name = targetName(target);
      const isNamed = texts.some((text) => text === name || text.startsWith(`${name}:`));
      if (isNamed || !(error instanceof PortholeError && error.errno === "ESRCH")) failed(error);
    }
  }
  return status;
}

async function listed(session: Session, options: PsOptions, failed: (error: unknown) => void): Promise<string> {
  const users = await readNames(session, "/etc/passwd");
  const deleted = options.deleted === true;
  const found: TargetProcess[] = [];
  for await (const process of listProcesses(session, { files: options.files === true || deleted })) {
    if (process.filesError !== undefined) {
      failed(
        new PortholeError("FILE", `process ${process.pid} of ${session.name}: ${process.filesError.message}`, {
          hint:
            session.route === "mount" ? "the agent has the container's restrictions: use --route sidecar" : undefined,
        }),
      );
    }
    if (deleted) process.files = process.files.filter((file) => file.deleted);
    if (deleted && process.files.length === 0 && process.mapped.length === 0) continue;
    found.push(process);
  }
  // The agent lists them by their numbers on the host.
  found.sort((one, other) => one.pid - other.pid);
  return options.json
    ? found.map((each) => jsonLine({ target: session.name, ...asJson(each, users, options) })).join("")
    : `${table(found, users)}${deleted ? summary(found) : ""}`;
}

/** The documented schema of `porthole ps --json`: see docs/json.md. */
function asJson(process: TargetProcess, users: Map<number, string>, options: PsOptions) {
  return {
    pid: process.pid,
    parent: process.parent,
    uid: process.uid,
    user: users.get(process.uid) ?? null,
    started: process.started?.toISOString() ?? null,
    command: process.command,
    arguments: process.arguments,
    ...((options.files || options.deleted) && {
      error: process.filesError?.message ?? null,
      files: process.files.map(({ fd, access, append, flags, position, stat, path, deleted, held }) => ({
        fd,
        path,
        kind: path.startsWith("anon_inode:") ? "anonymous" : kindOf(stat.mode),
        access,
        append,
        flags,
        position,
        size: stat.size,
        device: `${stat.device.major}:${stat.device.minor}`,
        inode: stat.inode,
        deleted,
        held,
      })),
      mapped: process.mapped.map(({ path, access, bytes, device, inode }) => ({
        path,
        access,
        bytes,
        device: `${device.major}:${device.minor}`,
        inode,
      })),
    }),
  };
}

function table(processes: TargetProcess[], users: Map<number, string>): string {
  const name = (uid: number) => sanitiseText(users.get(uid) ?? String(uid));
  const pidWidth = Math.max(3, ...processes.map(({ pid }) => String(pid).length));
  const userWidth = Math.max(4, ...processes.map(({ uid }) => stringWidth(name(uid))));
  const row = (pid: string, user: string, command: string) =>
    `${pid.padStart(pidWidth)} ${user}${" ".repeat(userWidth - stringWidth(user))} ${command}\n`;
  let text = row("PID", "USER", "COMMAND");
  for (const process of processes) {
    text += row(String(process.pid), name(process.uid), commandLine(process));
    if (process.files.length + process.mapped.length > 0) text += fileTable(process, " ".repeat(pidWidth + 1));
  }
  return text;
}

/** Formats the command line as ps(1) does: the name in brackets if there are no arguments. */
function commandLine({ command, arguments: args }: TargetProcess): string {
  return args.length === 0 ? `[${sanitiseText(command)}]` : sanitiseText(args.join(" "));
}

function fileTable({ files, mapped }: TargetProcess, indent: string): string {
  const rows = files.map((file) => {
    const kind = kindOf(file.stat.mode);
    const hasPositions = kind === "file" || kind === "block device";
    return [
      String(file.fd),
      modeOf(file),
      hasPositions ? String(file.position) : "-",
      kind === "file" ? String(file.stat.size) : "-",
      sanitiseText(file.path) + (file.deleted ? ` (deleted, ${humanSize(file.held)} held)` : ""),
    ];
  });
  const mappings = mapped.map(({ access, bytes, path }) => [
    "-",
    LETTERS[access],
    "-",
    String(bytes),
    `${sanitiseText(path)} (deleted, only mapped)`,
  ]);
  const all = [["FD", "MODE", "POSITION", "SIZE", "PATH"], ...rows, ...mappings];
  const width = (column: number) => Math.max(...all.map((cells) => cells[column]?.length ?? 0));
  const [fd, mode, position, size] = [0, 1, 2, 3].map(width) as [number, number, number, number];
  return all
    .map(
      ([a = "", b = "", c = "", d = "", path = ""]) =>
        `${indent}${a.padStart(fd)} ${b.padEnd(mode)} ${c.padStart(position)} ${d.padStart(size)} ${path}\n`,
    )
    .join("");
}

function modeOf({ access, append }: ProcessFile): string {
  return append ? `${LETTERS[access]}a` : LETTERS[access];
}

const LETTERS = { read: "r", write: "w", "read and write": "rw", path: "-" } as const;

/**
 * Describes the total space of the deleted files. Counts a file that is open or mapped more than
 * once only once.
 */
function summary(processes: TargetProcess[]): string {
  const files = new Map<string, bigint>();
  const open = new Set<string>();
  for (const { stat, held, path } of processes.flatMap((process) => process.files)) {
    files.set(`${stat.device.major}:${stat.device.minor}:${stat.inode}`, held);
    open.add(`${stat.inode} ${path}`);
  }
  const mapped = new Map<string, bigint>();
  for (const { inode, path, bytes } of processes.flatMap((process) => process.mapped)) {
    const file = `${inode} ${path}`;
    const known = mapped.get(file) ?? 0n;
    if (!open.has(file)) mapped.set(file, bytes > known ? bytes : known);
  }
  if (files.size + mapped.size === 0) return "no deleted file is open or mapped\n";
  const parts = [];
  if (files.size > 0) parts.push(`${counted(files)} ${files.size === 1 ? "holds" : "hold"} ${humanSize(sum(files))}`);
  if (mapped.size > 0)
    parts.push(`${counted(mapped)} ${mapped.size === 1 ? "is" : "are"} only mapped, up to ${humanSize(sum(mapped))}`);
  return `${parts.join("; ")}\n`;
}

const counted = ({ size }: Map<string, bigint>) => (size === 1 ? "1 deleted file" : `${size} deleted files`);

const sum = (sizes: Map<string, bigint>) => [...sizes.values()].reduce((total, size) => total + size, 0n);
