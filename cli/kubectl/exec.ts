import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import { PassThrough, type Readable } from "node:stream";
import { type ExecEnd, ExitLine } from "./exit-line.ts";
import { noKubectl } from "./kubectl.ts";
import type { PodRow } from "./plan.ts";
import { PORTHOLE_IN_IMAGE } from "./remote-command.ts";

/** Milliseconds that a command has after a signal before its connection is closed. */
const GRACE_MS = 3000;

/** A command that runs in a helper pod. */
export interface Exec {
  /** Null if it goes to this process's own standard output. */
  stdout: Readable | null;
  /** @throws PortholeError TARGET without kubectl */
  ended: Promise<ExecEnd>;
  /** Sends a signal to the command; then closes the connection. */
  signal(name: NodeJS.Signals): void;
}

export interface ExecOptions {
  /** Arguments of kubectl that name the cluster. */
  kubectl: readonly string[];
  helper: PodRow;
  args: readonly string[];
  /** `terminal`: its streams are this terminal; `inherit`: its output is this process's. */
  output: "terminal" | "inherit" | "pipe";
  /** Receives its standard error. */
  said: (text: string) => void;
}

/** Runs porthole in a helper pod by kubectl exec. */
export function startExec({ kubectl, helper, args, output, said }: ExecOptions): Exec {
  const isTerminal = output === "terminal";
  const child = spawn(
    "kubectl",
    [
      ...kubectl,
      ...["exec", isTerminal ? "-it" : "-i", "-n", helper.namespace, helper.name, "-c", "porthole", "--"],
      ...[...PORTHOLE_IN_IMAGE, ...(isTerminal ? [] : ["__attached"]), ...args],
    ],
    {
      stdio: [isTerminal ? "inherit" : "pipe", output === "pipe" ? "pipe" : "inherit", "pipe"],
      // Ctrl-C is for the command there, which ends the connection when it has ended.
      detached: !isTerminal,
    },
  );
  const exitLine = new ExitLine();
  child.stderr?.setEncoding("utf8").on("data", (piece: string) => {
    const shown = exitLine.push(piece);
    if (shown !== "") said(shown);
  });
  child.stdin?.on("error", () => undefined);
  const ended = new Promise<ExecEnd>((resolve, reject) => {
    child.on("error", (error) => reject(noKubectl(error)));
    child.on("close", (code, signal) => {
      // The reader of the output that they share has gone.
      if (signal === "SIGPIPE") return resolve({ status: 128 + constants.signals.SIGPIPE, reason: "" });
      const { shown, ...end } = exitLine.end(code);
      if (shown !== "") said(shown);
      // With a terminal there is no mark: kubectl's status is all that is known.
      resolve(isTerminal && end.status === undefined && end.reason === "" ? { status: code ?? 1, reason: "" } : end);
    });
  });
  // At the end of a process Node discards what nothing reads yet.
  const stdout = child.stdout?.pipe(new PassThrough()) ?? null;
  return { stdout, ended, signal: (name) => pass(child, name) };
}

function pass(child: ChildProcess, name: NodeJS.Signals): void {
  child.stdin?.write(`${name === "SIGPIPE" ? "SIGHUP" : name}\n`);
  const close = setTimeout(() => child.kill("SIGKILL"), GRACE_MS);
  child.once("close", () => clearTimeout(close));
}
