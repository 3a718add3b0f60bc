import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import type { Writable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { expect, inject, test } from "vitest";
import { builtAgent } from "../helpers/paths.ts";
import { childrenOf } from "../helpers/processes.ts";
import { waitFor } from "../helpers/wait-for.ts";

/** Encodes one frame of agent/remote.c. */
function frame(kind: string, payload: string | Buffer = ""): Buffer {
  const body = Buffer.from(payload as string);
  const head = Buffer.alloc(5);
  head.write(kind, "latin1");
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}

function start(...args: string[]) {
  const child = spawn(builtAgent, ["remote", ...args], { stdio: ["pipe", "pipe", "pipe"] });
  child.stdin.on("error", () => undefined);
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const outputs = Promise.all([buffer(child.stdout), buffer(child.stderr)]);
  const end = async () => {
    const [stdout, stderr] = await outputs;
    return { stdout: stdout.toString(), stderr: stderr.toString(), status: await ended };
  };
  return { child, end };
}

const sh = (script: string) => ["--", "sh", "-c", script];

test("passes data and its end to the command, and reports the exit status last", async () => {
  const { child, end } = start("-s", "ppp", ...sh("cat; echo said >&2; exit 3"));
  for (const piece of [frame("d", "ab"), frame("d", "c"), frame("e")]) child.stdin.write(piece);
  expect(await end()).toEqual({ stdout: "abc", stderr: "said\n\0porthole-end exit 3\n", status: 3 });
});

test("-a takes its arguments from the beginning of standard input, and the frames after them", async () => {
  const words = ["remote", "-s", "ppp", "-e", "NAME=a value", "--", "sh", "-c", 'echo "$NAME" "$#" "$2"; cat', "", ""];
  const long = "x".repeat(100_000);
  const text = Buffer.from([...words, long].map((word) => `${word}\0`).join(""));
  const { child, end } = start("-a", String(text.length));
  child.stdin.write(Buffer.concat([text, frame("d", "text"), frame("e")]));
  expect(await end()).toMatchObject({ stdout: `a value 2 ${long}\ntext`, status: 0 });
  const cut = start("-a", String(text.length));
  cut.child.stdin.end(text.subarray(0, -long.length - 1));
  expect(await cut.end()).toEqual({ stdout: "", stderr: "", status: 1 });
});

test("accepts frames in chunks of one byte", async () => {
  const { child, end } = start("-s", "ppp", "--", "cat");
  for (const byte of Buffer.concat([frame("d", "text"), frame("e")])) child.stdin.write(Buffer.from([byte]));
  expect(await end()).toMatchObject({ stdout: "text", status: 0 });
});

test.each([
  ["more data than its buffer to a command that reads late", 16, 65_536],
  ["the rest of data of which the command's pipe took a part", 2, 50_000],
])("passes %s", async (_, count, size) => {
  const gate = `${mkdtempSync(`${inject("machine").directory}/remote-`)}/gate`;
  execFileSync("mkfifo", [gate]);
  const { child, end } = start("-s", "ppp", "--", "sh", "-c", 'read -r _ < "$0"; wc -c', gate);
  for (let i = 0; i < count; i++) child.stdin.write(frame("d", Buffer.alloc(size)));
  child.stdin.write(frame("e"));
  await writeFile(gate, "open\n");
  expect(await end()).toMatchObject({ stdout: `${count * size}\n`, status: 0 });
});

test("passes signals, and reports the signal that ends the command", async () => {
  const { child, end } = start(...sh("echo ready; exec sleep 600"));
  await new Promise((resolve) => child.stdout.once("data", resolve));
  child.stdin.write(frame("s", Buffer.from([15])));
  expect(await end()).toMatchObject({ stderr: "\0porthole-end signal 15\n", status: 143 });
});

test.each([
  ["that ends by SIGHUP", "trap 'echo hup; exit 9' HUP; echo ready; while :; do sleep 0.05; done", "exit 9"],
  ["that ignores SIGHUP", "trap '' HUP; echo ready; while :; do sleep 0.05; done", "signal 9"],
])("ends a command %s when the connection is closed", async (_, script, how) => {
  const { child, end } = start(...sh(script));
  await new Promise((resolve) => child.stdout.once("data", resolve));
  child.stdin.destroy();
  expect((await end()).stderr).toContain(`\0porthole-end ${how}\n`);
});

test("a command gets SIGHUP when this process is killed and cannot end it", async () => {
  const { child, end } = start(...sh("trap 'echo hup; exit' HUP; echo ready; while :; do sleep 0.05; done"));
  await new Promise((resolve) => child.stdout.once("data", resolve));
  child.kill("SIGKILL");
  // The command holds both streams open, so they end with it.
  expect(await end()).toEqual({ stdout: "ready\nhup\n", stderr: "", status: null });
});

test.each<[string, (input: Writable) => void]>([
  ["the connection is closed", (input) => input.destroy()],
  ["a signal arrives", (input) => void input.write(frame("s", Buffer.from([15])))],
])("waits for an orphan of the command until %s", async (_, stop) => {
  const script = "sleep 600 </dev/null >/dev/null 2>&1 & echo $!; exit 3";
  const { child, end } = start("-r", ...sh(script));
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const orphan = Number(line.toString());
  // The command has ended when the orphan has another parent.
  await waitFor("the end of the command", () => childrenOf(Number(child.pid)).includes(orphan));
  stop(child.stdin);
  const { stderr, status } = await end();
  process.kill(orphan, "SIGKILL");
  expect({ stderr, status }).toEqual({ stderr: "\0porthole-end exit 3\n", status: 3 });
});

test("ends a command with unread output when the connection is closed", async () => {
  const child = spawn(builtAgent, ["remote", "-s", "ttp", ...sh("echo $$; exec yes")], { stdio: "pipe" });
  child.stdin.on("error", () => undefined);
  const ended = once(child, "exit");
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const command = Number.parseInt(line.toString(), 10);
  child.stdout.pause();
  await waitFor("the terminal to be full", () => isAsleepInWrite(command));
  child.stdin.destroy();
  expect(await ended).toEqual([129, null]);
  child.stdout.destroy();
});

/** True if a process waits in write(2) on x64 or arm64. */
function isAsleepInWrite(pid: number): boolean {
  return /^(1|64) 0x1 /.test(readFileSync(`/proc/${pid}/syscall`, "utf8"));
}

test("gives the command a terminal of the given size, which changes on request", async () => {
  const script = "stty size; trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.05; done";
  const { child, end } = start("-s", "ttp", "-w", "70x20", ...sh(script));
  let shown = "";
  child.stdout.on("data", (piece: Buffer) => {
    shown += piece.toString();
  });
  await waitFor("the command", () => shown.includes("ready"));
  child.stdin.write(frame("w", Buffer.from([0, 90, 0, 30])));
  expect(await end()).toMatchObject({ stdout: "20 70\r\nready\r\n30 90\r\n", status: 0 });
});

test("sends heartbeats while the command is quiet, if they are requested", async () => {
  const { child, end } = start("-s", "ppp", "-e", "PORTHOLE_BEAT_MS=20", ...sh("cat; exit 3"));
  let beats = 0;
  child.stderr.on("data", (piece: Buffer) => {
    beats += piece.toString().split("\0porthole-alive\n").length - 1;
  });
  await waitFor("the heartbeats", () => beats > 3);
  child.stdin.write(frame("e"));
  expect((await end()).stderr).toMatch(/^(\0porthole-alive\n)+\0porthole-end exit 3\n$/);
});

test("reports in one line why the command cannot run", async () => {
  const { end } = start("--", "/no/such/command");
  expect(await end()).toEqual({
    stdout: "",
    stderr: "porthole-agent: /no/such/command: No such file or directory\n\0porthole-end exit 127\n",
    status: 127,
  });
});
