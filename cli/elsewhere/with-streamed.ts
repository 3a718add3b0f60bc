import type { ChildProcess } from "node:child_process";
import { dieBySignal, spawnChild } from "../../src/descriptors/index.ts";
import { drained, type HelperPlace, runThere, type Streams } from "../../src/elsewhere/index.ts";
import { complain, report } from "../io/fail.ts";
import { isGlob } from "../targets/container-pattern.ts";
import { hasDirectory, hasPlaceholder } from "../with/placeholders.ts";
import { killedThere } from "./killed.ts";
import { ownStreams } from "./streams.ts";

/** A `with` on one file that the command reads from standard input. */
export interface StreamedInput {
  target: string;
  options: string[];
  command: string[];
}

/**
 * Detects a `with` whose command needs no path. Returns undefined for all other forms, which run on
 * the machine of the files.
 */
export function streamedInput(operands: readonly string[], args: readonly string[]): StreamedInput | undefined {
  const at = args.indexOf("--");
  const [options, command] = [args.slice(1, at), args.slice(at + 1)];
  const isStdin = options.includes("--stdin");
  const [target, ...others] = operands;
  if (at === -1 || target === undefined || others.length > 0 || isGlob(target)) return undefined;
  if (!isStdin && (hasPlaceholder(command) || hasDirectory(command) || options.includes("--rw"))) return undefined;
  return { target, options: options.filter((option) => option !== "--stdin" && option !== target), command };
}

/** The exit statuses of env(1) and `porthole with`. */
const ToolStatus = { failed: 125, cannotRun: 126, notFound: 127 } as const;

/**
 * Runs the command on this machine, with the output of a remote `cat` as its input. Ends with its
 * status or signal. Returns undefined if the target is a directory, which has no such form.
 */
export async function withStreamed(
  place: HelperPlace,
  { target, options, command }: StreamedInput,
  variables: Readonly<Record<string, string>>,
): Promise<number | undefined> {
  const own = ownStreams("none", variables);
  const [, , error] = own.streams.kinds;
  let child: ChildProcess | undefined;
  let ended: Promise<number> | undefined;
  // Until the command runs, an error may mean that the target is a directory.
  const held: Buffer[] = [];
  const release = () => held.splice(0).forEach((bytes) => void own.streams.write(2, bytes));
  // Starts the command after the file is open, so that it never runs on empty input.
  const begin = () => {
    release();
    child ??= spawnChild(command[0] ?? "", command.slice(1), { stdio: ["pipe", "inherit", "inherit"] });
    ended ??= endOf(child, place);
    return child;
  };
  try {
    const end = await runThere(place, ["cat", ...options, target], {
      ...own.streams,
      kinds: ["null", "pipe", error],
      write: (fd, bytes) => {
        if (fd === 1) return fed(begin(), bytes);
        return ended === undefined ? void held.push(bytes) : own.streams.write(2, bytes);
      },
    }).catch((reason: unknown) => {
      // The command had ended before it read all input.
      if (ended === undefined || child?.stdin?.writable) throw reason;
      return { status: 0 };
    });
    const hasFailed = ended === undefined && !("status" in end && end.status === 0);
    if (hasFailed && (await isDirectoryThere(place, own.streams, [...options, target]))) return undefined;
    release();
    const killed = killedThere(place.name, end, own.received);
    if (killed !== undefined) report(killed);
    if (!hasFailed) begin().stdin?.end();
    const status = (await ended) ?? ToolStatus.failed;
    return killed === undefined ? status : ToolStatus.failed;
  } finally {
    own.restore();
  }
}

async function isDirectoryThere(place: HelperPlace, streams: Streams, args: readonly string[]): Promise<boolean> {
  let found = false;
  await runThere(place, ["find", ...args, "-maxdepth", "0", "-type", "d"], {
    ...streams,
    kinds: ["null", "pipe", "pipe"],
    write: (fd) => {
      found ||= fd === 1;
    },
  });
  return found;
}

async function fed({ stdin }: ChildProcess, bytes: Buffer): Promise<void> {
  if (stdin === null || !stdin.writable || stdin.write(bytes)) return;
  await drained(stdin);
}

function endOf(child: ChildProcess, place: HelperPlace): Promise<number> {
  child.stdin?.on("error", () => place.close());
  return new Promise((resolve) => {
    child.once("error", ({ code, message }: NodeJS.ErrnoException) => {
      complain(`cannot run '${child.spawnfile}': ${code === "ENOENT" ? "no such command" : message}`);
      place.close();
      resolve(code === "ENOENT" ? ToolStatus.notFound : ToolStatus.cannotRun);
    });
    child.once("close", (status, signal) =>
      resolve(signal === null ? (status ?? ToolStatus.failed) : dieBySignal(signal)),
    );
  });
}
