import { constants, readFileSync, writeFile, writeFileSync } from "node:fs";
import { describe, expect, onTestFinished, test } from "vitest";
import { openPath, pipe } from "../../src/descriptors/files/file.ts";
import type { OwnedFd } from "../../src/descriptors/owned-fd.ts";
import type { Message } from "../../src/protocol/codec.ts";
import { owned, temporaryDirectory } from "../descriptors/fixtures.ts";
import { describeWith } from "../helpers/availability.ts";
import { amount, counted } from "../helpers/extent.ts";
import { builtCommand } from "../helpers/paths.ts";
import { type Result, user } from "../helpers/porthole.ts";
import { entry, fileOf, processOf, trailer } from "../protocol/record-bytes.ts";
import { TmuxScreen } from "../tui/screen.ts";
import { kinds } from "./kinds.ts";
import { type Client, type Lie, lyingAgent, statFor } from "./lying-agent.ts";

/*
 * Runs the built command against a lying agent. It must print one line with the problem, exit with
 * the documented status, and end in time.
 */

const nothing = new Uint8Array(0);
const someone = user();

function liar(lies: Parameters<typeof lyingAgent>[1], by = someone): string {
  const agent = lyingAgent(`${by.directory}/state`, lies);
  onTestFinished(agent.stop);
  return agent.target;
}

const run = (lies: Parameters<typeof lyingAgent>[1], [command = "", ...args]: string[]): Promise<Result> => {
  const target = liar(lies);
  return someone.run([command, ...args.map((arg) => arg.replace(/^:/, `${target}:`))], { deadline: 180_000 });
};

/** One line of text, without a stack trace or an object. */
const ONE_LINE = /^(porthole|ls|tail): [^\n]+\n$/;

const file = (): OwnedFd => {
  const path = `${temporaryDirectory()}/file`;
  writeFileSync(path, "honest\n");
  return owned(openPath(path, constants.O_RDONLY));
};
const directory = (): OwnedFd => owned(openPath("/", constants.O_RDONLY | constants.O_DIRECTORY));
const isDirectory: Lie = (request, client) => client.answer(request, statFor(directory()));
const isFile: Lie = (request, client) => client.answer(request, statFor(file()));
const honestOpen: Lie = (request, client) => {
  const fd = file();
  client.answer(request, statFor(fd), [fd]);
};
/** Answers that /etc/passwd is missing, so that no user names are read. */
const absent: Lie = (request, client) => client.answer(request, nothing, [], { error: 2 });
/**
 * Answers that the file is not a symbolic link. The host sends this request for files that cannot
 * be opened.
 */
const noLink: Lie = (request, client) => client.answer(request, nothing, [], { error: 22 });
const gone: Lie = (_, client) => client.close();
const kind = (name: string): Lie => {
  return (request, client) => client.answer(request, statFor(file()), [owned((kinds[name] as () => OwnedFd)())]);
};
/** Answers with a pipe that has this content and then ends. */
const pipeOf = (...chunks: Uint8Array[]): Lie => {
  return (request: Message, client: Client) => {
    const [reading, writing] = pipe();
    client.answer(request, nothing, [reading]);
    writeFileSync(writing.number, Buffer.concat(chunks));
    reading.close();
    writing.close();
  };
};

describe.each([
  ["cat", ["cat", ":/x"]],
  ["with", ["with", ":/x", "--", "cat"]],
  ["tail", ["tail", ":/x"]],
  ["hexdump", ["hexdump", ":/x"]],
  ["grep", ["grep", "x", ":/x"]],
] as const)("%s", (_, args) => {
  test.each<[string, Lie, RegExp]>([
    ["a directory for a file", kind("a directory"), /the agent sent a directory instead of the announced file/],
    ["a socket for a file", kind("a socket"), /the agent sent a socket instead of the announced file/],
    ["/dev/zero for a file", kind("/dev/zero"), /the agent sent a character device instead of the announced file/],
    [
      "nothing for a file",
      (request, client) => client.answer(request, statFor(file())),
      /no descriptor for an open file/,
    ],
    [
      "an answer to another request",
      (request, client) => client.answer(request, statFor(file()), [file()], { id: 77 }),
      /a reply to request 77/,
    ],
    ["a zero-byte packet", (_request, client) => client.send(nothing), /the agent ended the session/],
    ["its end", gone, /the agent ended the session/],
  ])("ends with one line at %s", async (_lie, open, complaint) => {
    const result = await run({ open, stat: isFile }, [...args]);
    expect(result.stderr).toMatch(complaint);
    // The line names the target, which is a container's full id.
    expect(result.stderr).toMatch(/^(porthole|tail|hexdump): [^\n]*[0-9a-f]{64}[^\n]+\n$/);
    // grep and with have their own exit statuses for failed reads and runs.
    expect([1, 2, 5, 125]).toContain(result.code);
    expect(result.stderr).not.toContain("    at ");
    expect(result.text).toBe("");
  });
});

test("an error shows the control characters of a name instead of sending them", async () => {
  const result = await run({ open: absent, stat: absent, readlink: noLink }, [
    "cat",
    ":/\x1b]0;owned\x07\u202e\u009b2J",
  ]);
  expect(result.code).toBe(1);
  expect(result.stderr).toContain("owned");
  expect(result.stderr.trimEnd()).not.toMatch(/[\p{Cc}\p{Cf}]/u);
});

describe("a silent agent", () => {
  // Waits for the 10 s of that timeout, in which it is idle.
  test("is abandoned by every waiting command at the timeout", async () => {
    const all = await Promise.all([
      run({}, ["cat", ":/x"]),
      run({}, ["ls", ":/x"]),
      run({}, ["ps", ":/"]),
      run({}, ["tail", ":/x"]),
      run({}, ["with", ":/x", "--", "cat"]),
    ]);
    for (const result of all) {
      expect(result.stderr).toMatch(/in time|sent nothing for/);
      expect(result.stderr.trimEnd()).not.toContain("\n");
      expect(result.code).not.toBe(0);
    }
  });
});

describe("ls", () => {
  const listed = (...records: Uint8Array[]) => ({
    stat: isDirectory,
    list: pipeOf(...records),
    mounts: pipeOf(),
    open: absent,
    readlink: noLink,
  });
  test.each<[string, Uint8Array[], RegExp]>([
    ["a list that is cut off", [entry(Buffer.from("a"))], /a truncated list/],
    ["a name with a slash", [entry(Buffer.from("../etc")), trailer(1)], /an invalid file name/],
    ["an entry for the directory itself", [entry(Buffer.from(".")), trailer(1)], /a directory entry . or ../],
    ["a process", [processOf(nothing, nothing), trailer(1)], /a process in a directory/],
    ["a wrong count", [trailer(7)], /a trailer with a wrong count/],
  ])("ends with one line at %s", async (_, records, complaint) => {
    const result = await run(listed(...records), ["ls", ":/x"]);
    expect(result.stderr).toMatch(complaint);
    expect(result.stderr).toMatch(ONE_LINE);
    expect(result.code).not.toBe(0);
  });

  test("shows sizes and times at the limits of their fields", async () => {
    const most = 2n ** 64n - 1n;
    const times = [0n, 2n ** 63n - 1n, -(2n ** 63n)];
    const records = times.map((time, index) =>
      entry(Buffer.from(`file${index}`), {
        stat: statFor(file(), {
          ...{ bytes: most, blocks: most, inode: most, atime: time, mtime: time, ctime: time, btime: time, flags: 2 },
          ...{ links: 0xffff_ffff, uid: 0xffff_ffff, gid: 0xffff_ffff },
        }),
      }),
    );
    for (const how of ["-l", "--json", "-lh"]) {
      const result = await run(listed(...records, trailer(3)), ["ls", how, ":/x"]);
      expect(result.stderr).toBe("");
      expect(result.code).toBe(0);
      expect(result.text).toMatch(how === "-lh" ? /16E/ : /18446744073709551615/);
      for (const index of times.keys()) expect(result.text).toContain(`file${index}`);
    }
  });
});

/**
 * Lists a directory with an endless number of names of maximum length. `ended` returns the errno
 * after the reader has closed the pipe.
 */
function endless(): { list: Lie; ended: () => Promise<string> } {
  const block = Buffer.concat(Array.from({ length: 500 }, () => entry(Buffer.alloc(1024, "n"))));
  let said: (errno: string) => void;
  const ended = new Promise<string>((resolve) => {
    said = resolve;
  });
  const list: Lie = (request, client) => {
    const [reading, writing] = pipe();
    client.answer(request, nothing, [reading]);
    reading.close();
    const more = () => writeFile(writing.number, block, (error) => (error ? said(error.code ?? "") : more()));
    more();
    void ended.then(() => writing.close());
  };
  return { list, ended: () => ended };
}

/** Measures the peak memory of a run, which the process reports at its end. */
function peakMemory() {
  const directory = temporaryDirectory();
  const said = `${directory}/status`;
  writeFileSync(
    `${directory}/say.cjs`,
    `process.on("exit", () => { const fs = require("node:fs"); fs.writeFileSync(${JSON.stringify(said)}, fs.readFileSync("/proc/self/status")); });`,
  );
  return {
    env: { NODE_OPTIONS: `--require="${directory}/say.cjs"` },
    mebibytes: () => Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(said, "utf8"))?.[1]) / 1024,
  };
}

describe.each([
  ["ls", ["ls", ":/x"]],
  ["find", ["find", ":/x", "-name", "nothing"]],
] as const)("%s of an endless directory", (_, args) => {
  test("stops at a limit with one line and little memory", async () => {
    const { list, ended } = endless();
    const target = liar({ stat: isDirectory, open: absent, readlink: noLink, list });
    const peak = peakMemory();
    const result = await someone.run(
      [...args].map((arg) => arg.replace(/^:/, `${target}:`)),
      {
        before: ["sh", "-c", '"$@" >/dev/null', "sh"],
        deadline: 400_000,
        env: peak.env,
      },
    );
    expect(peak.mebibytes()).toBeLessThan(500);
    expect(result.stderr).toMatch(
      /^porthole: cannot list [^\n]*: more than 268435456 bytes of names, porthole's limit\n$/,
    );
    expect(result.code).toBe(1);
    expect(await ended()).toBe("EPIPE");
  });
});

test("ls that runs out of memory ends with one line or as V8 does, and its agent stops writing", async () => {
  const outcomes = new Set<string>();
  // Memory is allocated in steps of 32 MiB: at least one of these limits has enough room for the
  // message.
  const limits = [200, 211, 222].slice(-amount(3, 1));
  for (const mebibytes of limits) {
    const { list, ended } = endless();
    const target = liar({ stat: isDirectory, open: absent, readlink: noLink, list });
    const { code, signal, stderr } = await someone.run(["ls", `${target}:/x`], {
      before: ["prlimit", "--core=0", `--data=${mebibytes << 20}`],
      deadline: 180_000,
    });
    if (signal === "SIGABRT" || signal === "SIGTRAP") expect(stderr).toContain("out of memory");
    else {
      expect(stderr).toMatch(/^porthole: cannot list [^\n]*: not enough memory for more than \d+ entries\n$/);
      expect(code).toBe(1);
    }
    outcomes.add(signal ?? "said");
    expect(await ended()).toBe("EPIPE");
  }
  if (limits.length === 3) expect(outcomes).toContain("said");
});

describe("ls of a directory of the documented size", () => {
  /**
   * The full size that porthole documents: a directory of a million names, whose output has a third
   * of a gigabyte.
   */
  const MANY = amount(1_000_000, 50_000);
  /**
   * The output is large, so a tool checks that the names are sorted and unique, each of 255 bytes.
   */
  const check = `"$@" | LC_ALL=C awk '/^total / { next } { name = $NF; if (name <= last || length(name) != 255) bad++; last = name; count++ } END { print count, bad + 0 }'`;

  test.each([[["ls"]], [["ls", "-l"]]])(
    `lists ${counted(MANY)} names of 255 bytes completely and in order: %s`,
    async (args) => {
      const list: Lie = (request, client) => {
        const [reading, writing] = pipe();
        client.answer(request, nothing, [reading]);
        reading.close();
        const stat = request.body[0] === 1 ? Buffer.from(statFor(file())) : undefined;
        const together = 500;
        const one = entry(Buffer.alloc(255, "n"), { stat });
        const block = Buffer.concat(Array.from({ length: together }, () => one));
        let listed = 0;
        const more = () => {
          if (listed === MANY) return writeFile(writing.number, trailer(MANY), () => writing.close());
          for (let at = one.length; at <= block.length; at += one.length) {
            // An odd factor gives each number once, out of order.
            const name = (Math.imul(listed++, 2_654_435_761) >>> 0).toString(16).padStart(8, "0");
            block.write(name, at - name.length, "latin1");
          }
          writeFile(writing.number, block, (error) => (error ? writing.close() : more()));
        };
        more();
      };
      const target = liar({ stat: isDirectory, open: absent, readlink: noLink, list });
      const result = await someone.run([...args, `${target}:/x`], {
        before: ["sh", "-c", check, "sh"],
        deadline: 500_000,
      });
      expect({ stderr: result.stderr, text: result.text }).toEqual({ stderr: "", text: `${MANY} 0\n` });
    },
  );
});

describe("stat", () => {
  test("shows sizes and times at the limits of their fields", async () => {
    const most = 2n ** 64n - 1n;
    for (const time of [2n ** 63n - 1n, -(2n ** 63n)]) {
      const lie: Lie = (request, client) =>
        client.answer(
          request,
          statFor(file(), {
            bytes: most,
            blocks: most,
            inode: most,
            atime: time,
            mtime: time,
            ctime: time,
            btime: time,
            flags: 2,
            atimeNs: 0xffff_ffff,
          }),
        );
      for (const args of [
        ["stat", ":/x"],
        ["stat", "--json", ":/x"],
      ]) {
        const result = await run(
          {
            stat: lie,
            open: absent,
            relayEnd: (request, client) => client.answer(request, Buffer.alloc(8)),
            mounts: pipeOf(),
            readlink: noLink,
          },
          args,
        );
        expect(result.stderr).not.toContain("    at ");
        expect(result).toMatchObject({ code: 0, stderr: "" });
        expect(result.text).toContain("18446744073709551615");
      }
    }
  });
});

describe("ps", () => {
  const table = (...records: Uint8Array[]) => ({
    processes: pipeOf(...records),
    open: absent,
    readlink: ((request, client) => client.answer(request, Buffer.from("/"))) satisfies Lie,
    stat: isFile,
  });

  test("lists processes that are each other's parents", async () => {
    const cyclic = [7, 8, 9].map((pid, index) =>
      processOf(Buffer.from(`p${pid}`), nothing, 0, { pid, parent: [8, 7, 9][index] ?? 0 }),
    );
    const result = await run(table(...cyclic, trailer(3)), ["ps", ":/"]);
    expect(result).toMatchObject({ code: 0, stderr: "" });
    for (const name of ["p7", "p8", "p9"]) expect(result.text).toContain(name);
  });

  test.each<[string, Uint8Array[], RegExp]>([
    ["an entry of a directory", [entry(Buffer.from("a")), trailer(1)], /a directory entry in a process list/],
    [
      "a table that is cut off",
      [processOf(Buffer.from("a"), nothing), fileOf(nothing).subarray(0, 20)],
      /a truncated list/,
    ],
  ])("ends with one line at %s", async (_, records, complaint) => {
    const result = await run(table(...records), ["ps", ":/"]);
    expect(result.stderr).toMatch(complaint);
    expect(result.stderr).toMatch(ONE_LINE);
    expect(result.code).toBe(5);
  });
});

describeWith("tmux", "open", () => {
  test.each<[string, Lie, RegExp]>([
    ["a directory for a file", kind("a directory"), /the agent sent a directory instead of the announced file/],
    ["its end", gone, /the agent ended the session/],
  ])("ends with one line at %s and restores the terminal", async (_, open, complaint) => {
    const screen = new TmuxScreen({ columns: 200, rows: 24 });
    onTestFinished(() => screen.close());
    const target = liar({ open, stat: isFile, mounts: pipeOf() });
    screen.run(`XDG_STATE_HOME=${someone.directory}/state ${process.execPath} ${builtCommand} open ${target}:/x`);
    const text = await screen.waitFor("the error", (shown) => complaint.test(shown.replaceAll("\n", "")));
    expect(text).not.toContain("    at ");
    screen.keys("q");
    expect(await screen.waitForEnd()).not.toBe(0);
  });

  test("shows an honest file of the same agent", async () => {
    const screen = new TmuxScreen();
    onTestFinished(() => screen.close());
    const target = liar({ open: honestOpen, stat: isFile, mounts: pipeOf() });
    screen.run(`XDG_STATE_HOME=${someone.directory}/state ${process.execPath} ${builtCommand} open ${target}:/x`);
    await screen.waitFor("the file", "honest");
    screen.keys("q");
    expect(await screen.waitForEnd()).toBe(0);
  });
});
