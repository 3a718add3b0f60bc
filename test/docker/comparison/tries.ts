import type { ChildProcess } from "node:child_process";
import { waitFor } from "../../helpers/wait-for.ts";

/** The result of running a tool. */
export interface Tried {
  worked: boolean;
  /** The verdict if a part of the row's action worked. */
  partly?: string;
  /** Standard output and standard error. */
  said: string;
}

/** The output for which a try waits. */
export interface Sought {
  /** The output if the tool works. */
  wanted: RegExp;
  /** The tool reports a failure but does not end. */
  refused?: RegExp | undefined;
  /**
   * Runs after `wanted` was printed, with the tool's process. May return why the tool cannot do it.
   * Otherwise waits also for this `wanted`.
   */
  next?: { after: (pid: number) => Promise<string | undefined>; wanted: RegExp; refused?: RegExp | undefined };
}

/** Starts a tool, and ends it as soon as it has printed the wanted output or a refusal. */
export async function tries(start: () => ChildProcess, { wanted, refused, next }: Sought): Promise<Tried> {
  const child = start();
  let said = "";
  let isOver = false;
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (piece: Buffer | string) => {
      said += piece.toString("latin1");
    });
  child.once("error", (error) => {
    said += error.message;
    isOver = true;
  });
  child.once("close", () => {
    isOver = true;
  });
  const sees = async (pattern: RegExp, refusal?: RegExp) => {
    await waitFor("a word of the tool", () => isOver || pattern.test(said) || refusal?.test(said)).catch(
      (error: Error) => {
        throw new Error(`${error.message} (${child.spawnargs.join(" ")}), which said ${JSON.stringify(said)}`);
      },
    );
    return pattern.test(said);
  };
  try {
    if (!(await sees(wanted, refused))) return { worked: false, said };
    if (next === undefined) return { worked: true, said };
    const hindered = await next.after(child.pid ?? 0);
    if (hindered !== undefined) return { worked: false, said: said + hindered };
    return { worked: await sees(next.wanted, next.refused), said };
  } finally {
    child.kill("SIGTERM");
    await waitFor("the tool to end", () => isOver);
  }
}
