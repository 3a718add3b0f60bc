import { spawnChild } from "../descriptors/processes/child-process.ts";
import type { SshTransport } from "../engines/api/remote-engine.ts";
import { PortholeError } from "../errors.ts";
import { lostConnection } from "./lost-connection.ts";
import type { Place, PlaceProcess } from "./place.ts";
import { RESPONSE_MS } from "./pulse.ts";

/**
 * The porthole that is installed on a remote machine, reached by `ssh HOST porthole`. It has the
 * rights of the ssh user on that machine.
 */
export function installedPlace(transport: SshTransport): Place {
  const { destination, socketPath } = transport;
  return {
    name: destination,
    start: async (command, signal) => {
      signal.throwIfAborted();
      // The command is `AGENT remote OPTIONS -- NODE PORTHOLE ARGS`. On that machine, the agent and
      // Node.js have other paths.
      const at = command.indexOf("--");
      const engine = socketPath === undefined ? [] : ["-e", `DOCKER_HOST=unix://${socketPath}`];
      const options = [...withoutEngine(command.slice(2, at)), ...engine];
      return ssh(transport, ["porthole", "__remote", ...options, "--", ...command.slice(at + 3)]);
    },
  };
}

/** True if `porthole` is on the PATH of the ssh user on the remote machine. */
export async function isInstalled(transport: SshTransport, signal: AbortSignal): Promise<boolean> {
  const { stdin, stdout, stderr, close } = ssh(transport, ["porthole", "--version"]);
  const stop = () => close();
  const timer = setTimeout(stop, RESPONSE_MS);
  signal.addEventListener("abort", stop);
  try {
    stdin.end();
    stderr.resume();
    let text = "";
    for await (const piece of stdout) {
      text += piece;
      if (text.length > MAX_VERSION) break;
    }
    signal.throwIfAborted();
    return /^\d+\.\d+\.\d+/.test(text);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
    close();
  }
}

/** Maximum characters of a version: a login shell may print anything. */
const MAX_VERSION = 4096;

/** Removes the variable for the engine's address in a helper container. */
function withoutEngine(options: readonly string[]): string[] {
  return options.filter((word, at) => !isEngine(word) && !(word === "-e" && isEngine(options[at + 1] ?? "")));
}

function isEngine(word: string): boolean {
  return word.startsWith("DOCKER_HOST=");
}

function ssh({ destination, port }: SshTransport, command: readonly string[]): PlaceProcess {
  const options = [
    "-o",
    "ConnectTimeout=30",
    "-o",
    "LogLevel=ERROR",
    "-T",
    ...(port === undefined ? [] : ["-p", port]),
  ];
  // Runs ssh in its own session. So Ctrl-C reaches only the remote command, whose end closes the
  // connection.
  const child = spawnChild("ssh", [...options, "--", destination, command.map(quoted).join(" ")], { detached: true });
  const { stdin, stdout, stderr } = child;
  child.once("error", (error) => {
    for (const stream of [stdout, stderr]) stream.destroy(new PortholeError("TARGET", `ssh: ${error.message}`));
  });
  stdin.on("error", () => undefined);
  return { stdin, stdout, stderr, lost: () => lostConnection(destination), close: () => void child.kill() };
}

/** Quotes a word for the shell of the ssh user. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
