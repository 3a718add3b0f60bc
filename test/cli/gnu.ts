import { spawn } from "node:child_process";
import type { User } from "../helpers/porthole.ts";

/** What a run of a program left, as far as it is compared. */
export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs this machine's own tool (GNU coreutils) with the environment that porthole gets. */
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
  // Bytes, not text: each byte is a character.
  return { code, stdout: Buffer.concat(stdout).toString("latin1"), stderr: Buffer.concat(stderr).toString() };
}

/** The same of `porthole COMMAND`. */
export async function ours(by: User, command: string, args: readonly string[], input?: string): Promise<Outcome> {
  const { code, stdout, stderr } = await by.run([command, ...args], input === undefined ? {} : { input });
  return { code, stdout: stdout.toString("latin1"), stderr };
}

/** GNU's hint to `--help` after wrong usage is left out, and wrong usage is 2 with porthole. */
export function asOurs({ code, stdout, stderr }: Outcome, usage: boolean): Outcome {
  return { code: usage ? 2 : code, stdout, stderr: stderr.replace(/^Try '.*\n/m, "") };
}
