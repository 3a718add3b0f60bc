import { writeSync } from "node:fs";
import { dieBySignal } from "../../src/descriptors/index.ts";
import { PortholeError } from "../../src/errors.ts";
import { follow, followSource } from "../../src/follow/index.ts";
import type { OpenFile } from "../../src/sessions/index.ts";
import { type Sandbox, startSandbox } from "../../src/sessions/index.ts";
import { TerminalStream } from "../../src/text/index.ts";
import { hasScreen } from "../tui/app/terminal/require-terminal.ts";

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * `porthole demo`: follows a log in a sandbox. Opens the screen on a terminal, otherwise prints
 * text for a few seconds.
 */
export async function demo(options: { seconds: number }): Promise<number> {
  try {
    return await inSandbox(options);
  } catch (error) {
    // The reader of the output closed the pipe. The sandbox has already ended.
    if ((error as NodeJS.ErrnoException).code === "EPIPE") dieBySignal("SIGPIPE");
    throw error;
  }
}

async function inSandbox(options: { seconds: number }): Promise<number> {
  const sandbox = await startSandbox();
  // The sandbox is in its own session (setsid(2)): Ctrl-C does not reach it, so the handler ends
  // it.
  const onSignal = (signal: NodeJS.Signals) => void sandbox.stop().then(() => dieBySignal(signal));
  for (const signal of signals) process.on(signal, onSignal);
  try {
    await using file = await whenThere(sandbox);
    if (hasScreen()) {
      const { openDemo } = await import("./demo-screen.ts");
      return await openDemo(sandbox);
    }
    return await asText(sandbox, file, options.seconds);
  } finally {
    sandbox.session.close();
    await sandbox.stop();
    for (const signal of signals) process.off(signal, onSignal);
  }
}

/** Opens the log, once it exists: its first line may be written after the agent has started. */
async function whenThere(sandbox: Sandbox): Promise<OpenFile> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await sandbox.session.open(sandbox.log);
    } catch (error) {
      if (attempt >= 50 || !(error instanceof PortholeError) || error.errno !== "ENOENT") throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

async function asText(sandbox: Sandbox, file: OpenFile, seconds: number): Promise<number> {
  const { session, log } = sandbox;
  say(
    `The agent (pid ${session.agent?.pid}) runs in a sandbox with its own user, mount and PID namespace. It opened ${log},`,
  );
  say(`a file on the sandbox's private tmpfs that no path of this machine reaches, and passed the descriptor:`);
  say(`Got file descriptor for '${log}'`);
  say(`The file descriptor is ${file.fd}`);
  say(`Following it for ${seconds} s:`);
  const text = new TerminalStream({ colours: false });
  const signal = AbortSignal.timeout(seconds * 1000);
  for await (const event of follow(followSource(session, log, file), { position: 0, signal })) {
    if (event.kind === "data") writeSync(1, text.push(event.bytes));
    else if (event.kind === "deleted")
      say("-- the log was renamed; its last lines still come from the open descriptor --");
    else if (event.kind === "returned" || event.kind === "rotated") say("-- rotated: following the new file --");
  }
  say(
    "The descriptor came from another namespace. With a container: porthole cat NAME:/path, porthole open NAME:/path",
  );
  return 0;
}

function say(line: string): void {
  writeSync(1, `${line}\n`);
}
