import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { spawnChild } from "../../src/descriptors/processes/child-process.ts";
import { bundleScript, outcome } from "./run-script.ts";

test("a child that could not be started is signalled neither by kill nor by an aborted signal", async () => {
  const abort = new AbortController();
  const child = spawnChild("/nonexistent/program", [], { signal: abort.signal, killSignal: "SIGURG" });
  const failed = once(child, "error");
  expect(child.kill("SIGURG")).toBe(false);
  abort.abort();
  expect(child.killed).toBe(false);
  expect((await failed)[0]).toMatchObject({ code: "ENOENT" });
});

test("a start at the limit of open files throws EMFILE", async () => {
  const script = await bundleScript(`
    import { closeSync, openSync } from "node:fs";
    import { spawnChild } from "./processes/child-process.ts";
    const fds = [];
    try { for (;;) fds.push(openSync("/dev/null")); } catch {}
    let said;
    try { spawnChild("true", []); } catch ({ code, message }) { said = [code, message]; }
    for (const fd of fds) closeSync(fd);
    console.log(JSON.stringify(said));`);
  const limited = ["-c", 'ulimit -n 64; exec "$0" "$1"', process.execPath, script];
  const { status, stdout } = await outcome(spawn("sh", limited, { stdio: ["ignore", "pipe", "pipe"] }));
  expect({ status, said: JSON.parse(stdout.toString()) }).toEqual({
    status: 0,
    said: ["EMFILE", "EMFILE: too many open files, spawn 'true'"],
  });
});
