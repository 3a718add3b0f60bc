import { existsSync, readFileSync, readlinkSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readStream } from "../../src/descriptors/bytes/read-stream.ts";
import { pipe } from "../../src/descriptors/files/file.ts";
import type { OwnedFd } from "../../src/descriptors/owned-fd.ts";
import {
  type ProcessEnd,
  type ProgramOptions,
  spawnProcess,
  spawnProgram,
} from "../../src/descriptors/processes/spawn.ts";
import { newPipe } from "./fixtures.ts";
import { runScript } from "./run-script.ts";

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
import { spawnProcess } from "./processes/spawn.ts";
    import { pipe } from "./files/file.ts";
    const [reader, writer] = pipe();
    // It ends with this process, when no one holds the other end of its pipe.
    const child = spawnProcess("/bin/sh", ["-c", "exec 2>&-; read -r line <&3; exit 4"], [writer, reader]);
    child.ended.then((end) => console.log(end));
    ${rest}`;
  const write = `import { writeSync } from "node:fs"; setTimeout(() => writeSync(writer.number, "\\n"), 1);`;
  expect((await runScript(script(write))).stdout.toString()).toBe("status 4\n");
  const released = await runScript(script("child.unref();"));
  expect([released.status, released.stdout.toString()]).toEqual([0, ""]);
});

test("garbage collections during a start do not affect it", async () => {
  const { stdout, signal } = await runScript(`
    import { spawnProcess } from "./processes/spawn.ts";
    import { pipe } from "./files/file.ts";
    const [, writer] = pipe();
    // So many arguments need several collections.
    const words = Array.from({ length: 20_000 }, (_, index) => String(index));
    for (let count = 0; count < 10; count++) await spawnProcess("/bin/true", words, [writer]).ended;
    console.log("done");`);
  expect([stdout.toString(), signal]).toEqual(["done\n", null]);
});

describe("a program of spawnProgram", () => {
  const collect = async (stream: AsyncIterable<Buffer>) => {
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    return Buffer.concat(chunks);
  };

  /** Runs a script of sh, with the arguments, and returns its output and its end. */
  async function output(
    script: string,
    args: readonly (string | Buffer)[] = [],
    options: Partial<ProgramOptions> = {},
  ): Promise<{ text: string; end: ProcessEnd }> {
    const [outlet, inlet] = pipe();
    const child = spawnProgram("/bin/sh", ["-c", script, "sh", ...args], {
      streams: ["inherit", inlet, "ignore"],
      environment: {},
      ...options,
    });
    inlet.close();
    return { text: (await collect(readStream(outlet))).toString("latin1"), end: await child.ended };
  }

  test("gets its arguments as bytes, its environment and its directory", async () => {
    const { text, end } = await output('printf "%s|" "$1" "$X"; pwd', [Buffer.from("\xe9 \n", "latin1")], {
      environment: { X: "y z" },
      directory: "/proc/sys",
    });
    expect([text, end]).toEqual(["\xe9 \n|y z|/proc/sys\n", { status: 0, signal: null }]);
  });

  test("begins in its directory, where the C library has no function for that", async () => {
    const { stdout } = await runScript(`
      import { libc } from "./libc.ts";
      import { pipe } from "./files/file.ts";
      import { readStream } from "./bytes/read-stream.ts";
      import { spawnProgram } from "./processes/spawn.ts";
      Object.defineProperty(libc, "posix_spawn_file_actions_addchdir_np", {
        get: () => {
          throw new Error("not found");
        },
      });
      const [outlet, inlet] = pipe();
      const here = process.cwd();
      spawnProgram("/bin/pwd", [], { streams: ["ignore", inlet, "ignore"], environment: {}, directory: "/proc/sys" });
      inlet.close();
      for await (const chunk of readStream(outlet)) process.stdout.write(chunk);
      console.log(process.cwd() === here);`);
    expect(stdout.toString()).toBe("/proc/sys\ntrue\n");
  });

  test("inherits the standard streams and the given descriptors, and nothing else", async () => {
    const [reader, writer] = newPipe();
    const { text } = await output("ls -l /proc/self/fd", [], { inherited: [reader.number] });
    const links = [...text.matchAll(/ (\d+) -> (\S+)/g)].map(([, fd, to]) => [Number(fd), to] as const);
    const passed = new Map(links);
    expect(passed.get(0)).toBe(readlinkSync("/proc/self/fd/0"));
    expect(passed.get(reader.number)).toBe(readlinkSync(`/proc/self/fd/${reader.number}`));
    expect(passed.has(writer.number)).toBe(false);
    // A later program does not inherit it.
    expect((await output("ls /proc/self/fd")).text.split("\n")).not.toContain(String(reader.number));
  });

  test("reports the signal that ended it by its name", async () => {
    expect((await output("kill -SEGV $$")).end).toEqual({ status: null, signal: "SIGSEGV" });
  });

  test("is not started with a NUL byte in an argument", () => {
    const start = () => spawnProgram("/bin/true", ["a\0b"], { streams: [], environment: {} });
    expect(start).toThrow(expect.objectContaining({ code: "USAGE" }));
  });
});
