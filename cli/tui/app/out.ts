import { closeSync, constants, openSync, writeSync } from "node:fs";
import { messageOf } from "../../../src/errors.ts";
import type { OpenFile } from "../../../src/sessions/index.ts";
import { reopenError } from "../../with/reopen-error.ts";
import { runTool, toolPath } from "../../with/run-tool.ts";
import { grouped } from "../canvas/grouped.ts";
import type { Host, View } from "../view/view.ts";
import { pipeTo } from "./pipe-to.ts";

export type OutAction = "pipe" | "run" | "edit" | "copy" | "save";

/** Maximum bytes for a terminal's clipboard: most terminals refuse more than 100 kB of base64. */
const MAX_COPIED = 74_000;

/** Runs an action of the `out` keys on a view. Failures are thrown. */
export async function runOutAction(view: View, action: OutAction, host: Host): Promise<void> {
  switch (action) {
    case "copy":
      return copy(view, host);
    case "save":
      return ask(host, [`save ${whatOf(view)} to: `, "save"], (name) => save(view, name, host));
    case "pipe":
      return ask(host, [`${whatOf(view)} | `, "run"], (command) => pipe(view, command, host));
    case "run":
      return ask(host, ["! ", "run"], (command) => run(view, command, host), `${process.env.PAGER || "less"} {}`);
    case "edit":
      return run(view, `${process.env.VISUAL || process.env.EDITOR || "vi"} {}`, host, (status) => status !== 0);
  }
}

/** Describes the bytes that `|` and `s` pass on. */
function whatOf(view: View): string {
  if (!view.output) return "the selected file";
  return view.range?.().isMarked ? "the marked range" : "the screen";
}

function ask(
  host: Host,
  [label, enter]: readonly [string, string],
  action: (text: string) => Promise<void>,
  text = "",
): void {
  host.ask({
    label,
    enter,
    text,
    done: (typed) => {
      if (typed === "") return;
      action(typed).catch((error) => host.say(messageOf(error)));
    },
  });
}

function copy(view: View, host: Host): void {
  const bytes = view.output ? Buffer.concat([...view.output()]) : Buffer.from(view.text?.() ?? view.title);
  if (bytes.length > MAX_COPIED) {
    host.say(
      `${grouped(bytes.length)} bytes exceed the terminals' limit of ${grouped(MAX_COPIED)}: ${host.keyOf("out", "save")} saves them to a file`,
    );
    return;
  }
  host.copy(bytes);
  const note = process.env.TMUX ? "; tmux passes it on with: set -g set-clipboard on" : "";
  host.say(`copied ${grouped(bytes.length)} bytes${note}`);
}

/**
 * The user types the name, so it never comes from a container. Existing files are not overwritten.
 */
async function save(view: View, name: string, host: Host): Promise<void> {
  let fd: number;
  try {
    fd = openSync(name, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // Node's message is "ENOENT: no such file or directory, open '...'".
    const reason = /^\w+: ([^,]*)/.exec(message)?.[1] ?? message;
    throw new Error(code === "EEXIST" ? `${name} exists: nothing was written` : `cannot save to ${name}: ${reason}`);
  }
  try {
    let written = 0;
    for await (const chunk of await contentOf(view)) {
      for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at);
      written += chunk.length;
    }
    host.say(`saved ${grouped(written)} bytes to ${name}`);
  } finally {
    closeSync(fd);
  }
}

async function pipe(view: View, command: string, host: Host): Promise<void> {
  const content = await contentOf(view);
  await host.outside(
    () => pipeTo(command, content),
    () => true,
  );
}

async function contentOf(view: View): Promise<Iterable<Uint8Array> | AsyncIterable<Uint8Array>> {
  if (view.output) return view.output();
  const file = await lent(view);
  return closing(file);
}

async function* closing(file: OpenFile): AsyncGenerator<Uint8Array> {
  try {
    yield* file.stream();
  } finally {
    file.close();
  }
}

/**
 * Runs a shell command on the file. The command gets a path in place of `{}`, or else the file as
 * its standard input.
 */
async function run(
  view: View,
  command: string,
  host: Host,
  pause: (status: number) => boolean = () => true,
): Promise<void> {
  const file = await lent(view);
  const byPath = command.includes("{}");
  const refusal = byPath ? reopenError(file, false) : undefined;
  if (refusal || (byPath && file.relayed)) {
    file.close();
    const why = refusal?.message ?? "its file system may not answer, so the agent relays it";
    throw new Error(`a program cannot open it by path: ${why}; without {} it is passed as standard input`);
  }
  const { status } = await host.outside(
    () => runTool("sh", ["-c", command.replaceAll("{}", toolPath(0))], byPath ? { files: [file] } : { input: file }),
    ({ status }) => pause(status ?? 1),
  );
  if (status) host.say(`'${command}' ended with status ${status}`);
}

async function lent(view: View): Promise<OpenFile> {
  const file = await view.lend?.();
  if (file === undefined) throw new Error("no file is shown or selected here");
  return file;
}
