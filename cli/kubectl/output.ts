import { writeSync } from "node:fs";
import { PortholeError } from "../../src/errors.ts";
import { TerminalStream } from "../../src/text/index.ts";

/** The error for a connection that ended before the command. */
export function lostNode(node: string, reason: string): PortholeError {
  const why = reason.replace(/^error: |^Error from server(?: \(\w+\))?: /, "") || "the connection ended";
  if (/forbidden/i.test(why))
    return new PortholeError("TARGET", `cannot run porthole in the helper pod of the node ${node}: ${why}`, {
      hint: "bind the role of docker/kubernetes/role.yaml to your user",
    });
  return new PortholeError("SESSION", `lost the node ${node}: ${why}`, {
    hint: `kubectl get node ${node} shows its state`,
  });
}

/** Writes a stream to standard output, sanitised if that is a terminal. */
export async function show(stream: NodeJS.ReadableStream): Promise<void> {
  const terminal = process.stdout.isTTY
    ? new TerminalStream({ colours: process.env.NO_COLOR === undefined, returns: true })
    : undefined;
  for await (const piece of stream)
    await write(terminal === undefined ? (piece as Buffer) : terminal.push(piece as Buffer));
  if (terminal !== undefined) await write(terminal.end());
}

/** Resolves when more may be written. Ends the process if the reader has closed the pipe. */
export async function write(bytes: string | Uint8Array): Promise<void> {
  if (bytes.length === 0 || process.stdout.write(bytes)) return;
  await new Promise<void>((resolve) => process.stdout.once("drain", resolve));
}

/** Writes to standard error, whose bytes come from a node: sanitised for a terminal. */
export function say(text: string): void {
  const shown = process.stderr.isTTY ? new TerminalStream({ colours: false }).push(Buffer.from(text)) : text;
  try {
    writeSync(2, shown);
  } catch {}
}
