import { once } from "node:events";
import { spawnChild } from "../../../src/descriptors/index.ts";

/**
 * Runs a shell command with these bytes on its standard input. It owns the terminal meanwhile. A
 * command that stops reading early, as head does, is not a failure.
 * @returns its exit status; 128 + n if the shell reports that a signal ended it
 */
export async function pipeTo(
  command: string,
  content: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<number> {
  const child = spawnChild("sh", ["-c", command], { stdio: ["pipe", "inherit", "inherit"] });
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
