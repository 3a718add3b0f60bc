import { PortholeError } from "../errors.ts";

/**
 * Maximum length of a command's arguments in a URL. The shortest usual limit of a proxy is 8 KiB
 * for the whole URL. Shorter commands stay in it, where the audit log of a cluster has them.
 */
const MAX_IN_URL = 4096;
/** Maximum bytes of arguments: execve(2) accepts 2 MiB with the environment. */
const MAX_TEXT = 1 << 20;

/** A command line of `agent/remote.c`, for a place that passes it in a URL. */
export interface UrlCommand {
  words: readonly string[];
  /** The arguments that are not in `words`: write them to standard input before anything else. */
  input: Buffer;
}

/**
 * Moves the arguments of a long command line to standard input.
 * @param command `AGENT remote ARGUMENTS`
 * @throws PortholeError USAGE if they are too long for that too
 */
export function urlCommand(command: readonly string[]): UrlCommand {
  const length = command.reduce((sum, word) => sum + "&command=".length + encodeURIComponent(word).length, 0);
  if (length <= MAX_IN_URL) return { words: command, input: Buffer.alloc(0) };
  const [agent = "", ...rest] = command;
  const input = Buffer.from(rest.map((word) => `${word}\0`).join(""));
  if (input.length > MAX_TEXT)
    throw new PortholeError("USAGE", `too many arguments: ${input.length} bytes of at most ${MAX_TEXT}`, {
      hint: "name fewer files, or use a glob of paths",
    });
  return { words: [agent, "remote", "-a", String(input.length)], input };
}
