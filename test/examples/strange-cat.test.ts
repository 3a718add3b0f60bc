import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { checkControlMessage, childFailure, receiveFile } from "../../examples/strange-cat.ts";
import { mkfifo } from "../../src/descriptors/files/file.ts";
import { libc, Memory } from "../../src/descriptors/libc.ts";
import { socketpair } from "../../src/descriptors/sockets/fd-socket.ts";
import { owned, temporaryDirectory } from "../descriptors/fixtures.ts";
import { controlMessage, ints, rawSend } from "../descriptors/raw-message.ts";
import { bundleOptions, outcome, start } from "../descriptors/run-script.ts";
import { repository } from "../helpers/paths.ts";
import { waitFor } from "../helpers/wait-for.ts";

let directory = "";
let program = "";
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "px-"));
  program = join(directory, "strange-cat.mjs");
  await build({ entryPoints: [`${repository}examples/strange-cat.ts`], ...bundleOptions, outfile: program });
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function strangeCat(...args: string[]): ChildProcess {
  return start(program, args, { stdio: ["ignore", "pipe", "pipe"] });
}

test("strange-cat prints the descriptor and the content", async () => {
  const path = join(temporaryDirectory(), "a file");
  const content = Buffer.from([...Array(256).keys()]);
  writeFileSync(path, content);
  const { status, stdout, stderr } = await outcome(strangeCat(path));
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  const [first, second, ...rest] = stdout.toString("latin1").split("\n");
  expect(Buffer.from(first ?? "", "latin1").toString()).toBe(`Got file descriptor for '${path}'`);
  expect(second).toMatch(/^The file descriptor is \d+$/);
  expect(Buffer.from(rest.join("\n"), "latin1")).toEqual(content);
});

test("a FIFO is printed as it is written", async () => {
  const path = join(temporaryDirectory(), "fifo");
  mkfifo(path);
  const cat = strangeCat(path);
  const writer = spawn("sh", ["-c", 'echo through > "$0"', path], { stdio: "ignore" });
  onTestFinished(() => void writer.kill("SIGKILL"));
  const { status, stdout } = await outcome(cat);
  expect(status).toBe(0);
  expect(stdout.toString()).toMatch(/\nthrough\n$/);
});

test("a missing file is reported by the child, and its failure by the parent", async () => {
  const { status, stdout, stderr } = await outcome(strangeCat("/none/such"));
  expect(status).toBe(1);
  expect(stdout.toString()).toBe("");
  expect(stderr).toBe(
    "strange-cat: /none/such: No such file or directory\nstrange-cat: the child failed with status 1\n",
  );
});

test("a child that is killed before it sends a descriptor is reported", async () => {
  const path = join(temporaryDirectory(), "fifo");
  mkfifo(path); // Without a writer, the child's open(2) does not return.
  const cat = strangeCat(path);
  const ended = outcome(cat);
  const child = await waitFor("the child", () => senders(cat.pid)[0]);
  process.kill(child, "SIGKILL");
  const { status, stdout, stderr } = await ended;
  expect({ status, stderr }).toEqual({ status: 1, stderr: "strange-cat: the child was killed by SIGKILL\n" });
  expect(stdout.toString()).toBe("");
});

test("a missing file name, and a second file name, are wrong usage", async () => {
  for (const args of [[], ["a", "b"]]) {
    const { status, stderr } = await outcome(strangeCat(...args));
    expect({ status, stderr }).toEqual({ status: 2, stderr: "strange-cat: usage: strange-cat FILE\n" });
  }
});

test("a reader that closes the pipe ends it by SIGPIPE", async () => {
  const cat = strangeCat("/dev/zero");
  cat.stdout?.once("data", () => cat.stdout?.destroy());
  expect((await outcome(cat)).signal).toBe("SIGPIPE");
});

test("a packet without a control message is refused", async () => {
  const [a, b] = socketpair().map(owned);
  if (!a || !b) throw new Error();
  rawSend(a, Buffer.from("name"));
  await expect(receiveFile(b)).rejects.toThrow("the control message is null");
});

test("a control message of another type, the sender's credentials, is refused", async () => {
  const [a, b] = socketpair().map(owned);
  if (!a || !b) throw new Error();
  const on = new Memory(4);
  on.view.setInt32(0, 1, true);
  const SO_PASSCRED = 16;
  expect(libc.setsockopt(b.number, 1, SO_PASSCRED, on.address, 4)).toBe(0);
  rawSend(a, Buffer.from("name"));
  await expect(receiveFile(b)).rejects.toThrow("the control message's type is 2, not SCM_RIGHTS (1)");
});

test("a child that closes without sending is reported", async () => {
  const [a, b] = socketpair().map(owned);
  if (!a || !b) throw new Error();
  a.close();
  expect(await receiveFile(b)).toBeUndefined();
});

test("a valid control message gives its descriptor", () => {
  expect(checkControlMessage(controlMessage(ints(7)).subarray(0, 20))).toBe(7);
});

test.each([
  ["null", new Uint8Array(), "the control message is null"],
  ["shorter than its header", controlMessage(ints(7)).subarray(0, 15), "the control message is null"],
  ["level", controlMessage(ints(7), { level: 41 }), "the control message's level is 41, not SOL_SOCKET (1)"],
  ["type", controlMessage(ints(7), { type: 2 }), "the control message's type is 2, not SCM_RIGHTS (1)"],
  ["no descriptor", controlMessage(ints()), "the control message's length is 16, not that of one descriptor (20)"],
  ["two", controlMessage(ints(7, 8)), "the control message's length is 24, not that of one descriptor (20)"],
  ["a length beyond the buffer", controlMessage(ints(7)).subarray(0, 18), /length is 20/],
  ["a huge length", controlMessage(ints(7), { length: 2 ** 40 }), /length is 1099511627776/],
  ["a negative descriptor", controlMessage(ints(-1)), "the descriptor is -1"],
])("each field has its own message: %s", (_, control, message) => {
  expect(() => checkControlMessage(control)).toThrow(message);
});

test("every exit of a child is reported", () => {
  expect(childFailure({ status: 0, signal: null })).toBeUndefined();
  expect(childFailure({ status: 3, signal: null })).toBe("the child failed with status 3");
  expect(childFailure({ status: null, signal: "SIGSEGV" })).toBe("the child was killed by SIGSEGV");
});

/** Returns children of the program that run it in its sending mode. */
function senders(pid: number | undefined): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((candidate) => {
      try {
        const parent = /\) \S (\d+)/.exec(readFileSync(`/proc/${candidate}/stat`, "utf8"))?.[1];
        return Number(parent) === pid && readFileSync(`/proc/${candidate}/cmdline`, "utf8").includes("--send");
      } catch {
        return false;
      }
    });
}
