import { type ChildProcess, spawn } from "node:child_process";
import { asUser, ENGINE_GROUP } from "../../helpers/machine.ts";
import type { User } from "../../helpers/porthole.ts";

/** The user who runs a tool, and the environment. */
export interface Actor {
  user: User;
  /** True for a member of the group that may use the engine's socket. Root need not be a member. */
  inEngineGroup: boolean;
  /** Prefix of the tool's command line. */
  before?: string[];
  /** Additions to the user's environment. */
  env?: Record<string, string>;
}

/** Starts a tool as `by`, with pipes for its output. */
export function start({ user, inEngineGroup, before = [], env }: Actor, command: readonly string[]): ChildProcess {
  const become = user.uid === process.getuid?.() ? [] : asUser(user.uid, inEngineGroup ? [ENGINE_GROUP] : []);
  const [file = "", ...args] = [...before, ...become, ...command];
  return spawn(file, args, { cwd: "/", env: { ...user.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
}
