import { spawn } from "node:child_process";
import type { User } from "../helpers/porthole.ts";

/** The parts of a run's result that are compared. */
export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the local GNU tool with the environment that porthole gets. */
export async function gnu(by: User, command: string, args: readonly string[], input?: string): Promise<Outcome> {
  const child = spawn(command, args, {
    cwd: "/",
    env: by.env,
    stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout?.on("data", (piece: Buffer) => stdout.push(piece));
  child.stderr?.on("data", (piece: Buffer) => stderr.push(piece));
  child.stdin?.on("error", () => undefined).end(input);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject).once("close", resolve);
  });
  // Compare bytes, not text: each byte becomes a character.
  return { code, stdout: Buffer.concat(stdout).toString("latin1"), stderr: Buffer.concat(stderr).toString() };
}

/** Runs `porthole COMMAND` in the same way. */
export async function ours(by: User, command: string, args: readonly string[], input?: string): Promise<Outcome> {
  const { code, stdout, stderr } = await by.run([command, ...args], input === undefined ? {} : { input });
  return { code, stdout: stdout.toString("latin1"), stderr };
}

/**
 * Converts a GNU result to the expected result: without the hint to `--help`, and with porthole's
 * status 2 for wrong usage.
 */
export function asOurs({ code, stdout, stderr }: Outcome, usage: boolean): Outcome {
  return { code: usage ? 2 : code, stdout, stderr: stderr.replace(/^Try '.*\n/m, "") };
}
