import { existsSync, readFileSync, readlinkSync } from "node:fs";
import { expect, test } from "vitest";
import { pipe } from "../../src/descriptors/file.ts";
import type { OwnedFd } from "../../src/descriptors/owned-fd.ts";
import { spawnProcess } from "../../src/descriptors/spawn.ts";
import { owned } from "./fixtures.ts";
import { runScript } from "./run-script.ts";

function newPipe() {
  const [outlet, inlet] = pipe();
  return [owned(outlet), owned(inlet)] as const;
}

function shell(script: string, ...descriptors: Parameters<typeof spawnProcess>[2]) {
  return spawnProcess("/bin/sh", ["-c", script], descriptors);
}

test("the child gets the given descriptors from 2 on, /dev/null before them, and no environment", async () => {
  const [, stderr] = newPipe();
  const [, third] = newPipe();
  const child = spawnProcess("/bin/sleep", ["600"], [stderr, third]);
  const link = (fd: OwnedFd) => readlinkSync(`/proc/self/fd/${fd.number}`);
  const links = [0, 1, 2, 3].map((fd) => readlinkSync(`/proc/${child.pid}/fd/${fd}`));
  expect(links).toEqual(["/dev/null", "/dev/null", link(stderr), link(third)]);
  expect(readFileSync(`/proc/${child.pid}/environ`, "latin1")).toBe("");
  child.kill();
  expect(await child.ended).toBe("signal 9");
  child.kill();
});

test.each([
  ["exit 3", "status 3"],
  ["kill -TERM $$", "signal 15"],
])("the end of `%s` is reported as %s, and no zombie remains", async (script, end) => {
  const [, stderr] = newPipe();
  const child = shell(script, stderr);
  expect(await child.ended).toBe(end);
  expect(existsSync(`/proc/${child.pid}`)).toBe(false);
});

test("a program that is missing is an error with its errno", () => {
  expect(() => spawnProcess("/no/such/program", [], [])).toThrow(
    expect.objectContaining({ code: "ATTACH", errno: "ENOENT", message: expect.stringContaining("/no/such/program") }),
  );
});

test("this process stays alive for a child until unref() is called", async () => {
  const script = (rest: string) => `
    import type { OwnedFd } from "../../src/descriptors/owned-fd.ts";
import { spawnProcess } from "./spawn.ts";
    import { pipe } from "./file.ts";
    const [reader, writer] = pipe();
    const child = spawnProcess("/bin/sh", ["-c", "read -r line <&3; exit 4"], [writer, reader]);
    child.ended.then((end) => console.log(end));
    ${rest}`;
  const write = `import { writeSync } from "node:fs"; setTimeout(() => writeSync(writer.number, "\\n"), 1);`;
  expect((await runScript(script(write))).stdout.toString()).toBe("status 4\n");
  const released = await runScript(script("child.unref();"));
  expect([released.status, released.stdout.toString()]).toEqual([0, ""]);
});

test("garbage collections during a start do not affect it", async () => {
  const { stdout, signal } = await runScript(`
    import { spawnProcess } from "./spawn.ts";
    import { pipe } from "./file.ts";
    const [, writer] = pipe();
    // So many arguments need several collections.
    const words = Array.from({ length: 20_000 }, (_, index) => String(index));
    for (let count = 0; count < 10; count++) await spawnProcess("/bin/true", words, [writer]).ended;
    console.log("done");`);
  expect([stdout.toString(), signal]).toEqual(["done\n", null]);
});
