import { spawn } from "node:child_process";
import { once } from "node:events";

/**
 * Runs a shell's command with these bytes on its standard input; the terminal is its own. A command
 * that stops reading, as head does, is no failure.
 * @returns its exit status; 128 + n where a signal ended it is the shell's business
 */
export async function pipeTo(
  command: string,
  content: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<number> {
  const child = spawn("sh", ["-c", command], { stdio: ["pipe", "inherit", "inherit"] });
  const ended = new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (status) => resolve(status ?? 1));
  });
  const { stdin } = child;
  let isGone = false;
  stdin.on("error", () => {
    isGone = true;
  });
  void ended.finally(() => {
    isGone = true;
    stdin.destroy();
  });
  for await (const chunk of content) {
    if (isGone) break;
    if (!stdin.write(chunk))
      await Promise.race([once(stdin, "drain").catch(() => undefined), ended.catch(() => undefined)]);
  }
  stdin.end();
  return ended;
}
