import { mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { afterEach, describe, expect, it, test } from "vitest";
import { humanBytes, progressLine } from "../../cli/io/progress.ts";
import { describeWith } from "../helpers/availability.ts";
import { builtCommand } from "../helpers/paths.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { TmuxScreen } from "../tui/screen.ts";

const MiB = 1024 ** 2;
const GiB = 1024 ** 3;

describe("a progress line", () => {
  const line = (bytes: number, total: number | undefined, elapsedMs: number, columns = 79) =>
    progressLine({ bytes, total, elapsedMs }, columns);

  test("shows the amount, the total, the average rate and the remaining time", () => {
    expect(line(GiB, 4 * GiB, 4000)).toBe("1.0 GiB of 4.0 GiB, 25 %, 256 MiB/s, ETA 0:12");
    expect(line(GiB, 1000 * GiB, 100_000)).toBe("1.0 GiB of 1000 GiB, 0 %, 10 MiB/s, ETA 27:45:00");
    expect(line(999, 1000, 999)).toBe("999 B of 1000 B, 99 %, 1000 B/s, ETA 0:01");
    expect(line(1000, 1000, 1000)).toBe("1000 B of 1000 B, 100 %, 1000 B/s, ETA 0:00");
  });

  test("shows no remaining time if the total is unknown or exceeded", () => {
    expect(line(3 * MiB, undefined, 2000)).toBe("3.0 MiB, 1.5 MiB/s");
    expect(line(3 * MiB, 2 * MiB, 2000)).toBe("3.0 MiB, 1.5 MiB/s");
    expect(line(0, 0, 2000)).toBe("0 B, 0 B/s");
    expect(line(0, MiB, 2000)).toBe("0 B of 1.0 MiB, 0 %, 0 B/s");
    expect(line(5, MiB, 0)).toBe("5 B of 1.0 MiB, 0 %, 0 B/s");
  });

  test("is truncated to the width", () => {
    expect(line(GiB, 4 * GiB, 4000, 10)).toBe("1.0 GiB of");
    expect(line(GiB, undefined, 4000, 3)).toBe("1.0");
    expect(line(GiB, undefined, 4000, 0)).toBe("");
    expect(line(GiB, 2 * GiB, 4000, -1)).toBe("");
  });

  test.each([
    [0, "0 B"],
    [1023, "1023 B"],
    [1023.6, "1.0 KiB"],
    [1024, "1.0 KiB"],
    [9.94 * 1024, "9.9 KiB"],
    [9.96 * 1024, "10 KiB"],
    [1023.6 * 1024, "1.0 MiB"],
    [2 ** 63, "8.0 EiB"],
  ])("%d bytes are %s", (bytes, text) => expect(humanBytes(bytes)).toBe(text));
});

describeWith("tmux", "on a terminal", () => {
  let screen: TmuxScreen;
  afterEach(() => screen.close());

  /**
   * Reads a little at a time and writes the number of reads to `turns`. Reads the rest as soon as
   * the file `go` exists.
   */
  const slowReader = (bytes: number) =>
    `{ i=0; until [ -e go ]; do head -c ${bytes}; i=$((i+1)); echo $i >turns; sleep 0.02; done; cat; } >/dev/null`;
  const porthole = `${process.execPath} ${builtCommand}`;

  function open(): void {
    screen = new TmuxScreen({ columns: 60, rows: 12 });
    screen.file("big", "");
    truncateSync(`${screen.directory}/big`, 256 * MiB);
    screen.file("slow-reader", slowReader(65536));
  }
  const turns = () => Number(readFileSync(`${screen.directory}/turns`, "utf8"));
  /** Waits until long after progress would appear. A loaded machine only makes the wait longer. */
  const waitLong = () => waitFor("100 turns of the reader", () => quiet(turns) > 100);
  const release = () => writeFileSync(`${screen.directory}/go`, "");

  it("cat shows its progress while a pipe is slow, erases it before an error line and at the end", async () => {
    open();
    screen.run(`clear; ${porthole} cat big missing big | sh slow-reader`);
    await screen.waitFor("progress", /^[\d.]+ MiB of 256 MiB, \d+ %, [\d.]+ \w+\/s, ETA \d+:\d\d$/m);
    release();
    expect(await screen.waitForEnd()).toBe(0);
    const rows = screen.rows().filter((row) => row !== "");
    expect(rows).toEqual([expect.stringMatching(/^porthole: .*missing: No such file or directory$/), "ended 1: 0"]);
  });

  it("nothing is shown if standard error is not a terminal", async () => {
    open();
    screen.run(`${porthole} cat big 2>err | sh slow-reader`);
    await waitLong();
    release();
    await screen.waitForEnd();
    expect(readFileSync(`${screen.directory}/err`, "utf8")).toBe("");
    expect(screen.raw()).not.toContain("MiB");
  });

  it("nothing is shown while a pager reads the pipe", async () => {
    open();
    screen.run(`${porthole} cat big | { stty -icanon </dev/tty; sh slow-reader; stty icanon </dev/tty; }`);
    await waitLong();
    release();
    await screen.waitForEnd();
    expect(screen.raw()).not.toContain("MiB");
  });

  it("nothing is shown while the command runs in the background", async () => {
    open();
    screen.run(`set -m; ${porthole} cat big | sh slow-reader & wait`);
    await waitLong();
    release();
    await screen.waitForEnd();
    expect(screen.raw()).not.toContain("MiB");
  });

  /**
   * Creates a megabyte of names. The slow reader needs more time for them than any test waits, even
   * if the walk is fast.
   */
  function openTree(): void {
    screen = new TmuxScreen({ columns: 60, rows: 12 });
    screen.file("slow-reader", slowReader(1024));
    for (let directory = 0; directory < 50; directory++) {
      const inner = `${screen.directory}/tree/${directory}/inner`;
      mkdirSync(inner, { recursive: true });
      for (let file = 0; file < 80; file++) symlinkSync("nowhere", `${inner}/${"x".repeat(240)}-${file}`);
    }
  }

  /**
   * Checks the progress in the recorded bytes, because the progress line is erased before more
   * output.
   */
  async function seesProgressOf(command: string, line: RegExp): Promise<void> {
    openTree();
    screen.run(`clear; ${porthole} ${command} | sh slow-reader`);
    await waitFor("progress", () => line.test(screen.raw()));
    release();
    expect(await screen.waitForEnd()).toBe(0);
    expect(screen.rows().filter((row) => row !== "")).toEqual(["ended 1: 0"]);
  }

  it("ls --total shows the total so far, and erases it", () =>
    seesProgressOf("ls -R --total tree", /\d+ files, [\d.]+ \w+, \d+ files\/s *\r/));

  it("find shows the number of visited files, and erases it before a result", () =>
    seesProgressOf("find tree", /\d+ files, \d+ files\/s *\r/));

  function quiet(action: () => number): number {
    try {
      return action();
    } catch {
      return 0;
    }
  }
});
