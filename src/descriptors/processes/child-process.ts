import { type ChildProcess, spawn } from "node:child_process";

/**
 * Starts a program as `spawn` of node:child_process does. If that fails (`error` event, no `pid`),
 * `kill` does nothing: Node's own passes an uninitialised process number to kill(2), mostly 0,
 * which is the process group of this process.
 * @throws Error EMFILE at the limit of open files: Node returns a child without streams
 */
export const spawnChild = ((program: string, args: readonly string[], options: SpawnOptions) => {
  const child: ChildProcess = spawn(program, args, options);
  if (child.pid !== undefined) return child;
  // An aborted signal of the options calls this method, too.
  child.kill = () => false;
  if ((child.stdio as unknown) !== undefined) return child;
  child.on("error", () => undefined);
  throw Object.assign(new Error(`EMFILE: too many open files, spawn '${program}'`), { code: "EMFILE" });
}) as typeof spawn;

type SpawnOptions = Parameters<typeof spawn>[2];
