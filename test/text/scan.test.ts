import { closeSync, mkdtempSync, openSync, rmSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { pathToFileURL } from "node:url";
import { afterAll, afterEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { CHUNK, type Query } from "../../src/text/scan/chunk-counter.ts";
import { Hits } from "../../src/text/scan/hits.ts";
import { Scan } from "../../src/text/scan/scan.ts";
import type { ScanReply } from "../../src/text/scan/scan-job.ts";
import { ScanPool } from "../../src/text/scan/scan-pool.ts";
import { regularSource } from "../../src/text/sources/regular-source.ts";
import { repository } from "../helpers/paths.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { MemorySource } from "./memory-source.ts";

const directory = mkdtempSync(`${tmpdir()}/porthole-scan-`);
afterAll(() => rmSync(directory, { recursive: true }));
/** URL of the bundled worker. */
const worker = pathToFileURL(`${repository}dist/scan-worker.js`);
let pool = new ScanPool(worker);
afterEach(async () => {
  await pool.close();
  pool = new ScanPool(worker);
});

const NEWLINES: Query = { kind: "newlines", encoding: "utf-8" };
const lines = (pattern: string): Query => ({ kind: "lines", encoding: "utf-8", match: { patterns: [pattern] } });

async function withFile(content: string, use: (fd: number, path: string) => Promise<void>): Promise<void> {
  const path = `${directory}/file`;
  writeFileSync(path, content);
  const fd = openSync(path, "r");
  try {
    await use(fd, path);
  } finally {
    closeSync(fd);
  }
}

async function finished(scan: Scan): Promise<void> {
  await waitFor("the end of the scan", () => scan.isComplete);
}

describe("Scan", () => {
  it("reports the first result and the end immediately, and other results only after some time", async () => {
    // The clock stands still, so only the first and the last of the chunks' results are reported.
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    onTestFinished(() => void vi.useRealTimers());
    const source = new MemorySource("a\n".repeat(4 * CHUNK));
    const totals: number[] = [];
    const ended = new Promise<void>((resolve) => {
      const scan = new Scan(source, NEWLINES, () => {
        totals.push(scan.counts.total);
        if (scan.isComplete) resolve();
      });
      scan.go();
    });
    await ended;
    expect(totals).toEqual([CHUNK / 2, 4 * CHUNK]);
  });

  it("counts a file and appended data in threads", async () => {
    const row = `${"x".repeat(99)}\n`;
    await withFile(row.repeat(50_000), async (fd, path) => {
      const scan = new Scan(regularSource(fd), NEWLINES, () => {}, pool);
      scan.go();
      await finished(scan);
      expect(scan.counts.total).toBe(50_000);
      expect(scan.progress).toBe(1);
      writeFileSync(path, row.repeat(20_001), { flag: "a" });
      expect(scan.isComplete).toBe(false);
      scan.go();
      await finished(scan);
      expect(scan.counts.total).toBe(70_001);
    });
  });

  it("starts at the given offset", async () => {
    await withFile("", async (fd, path) => {
      truncateSync(path, 4 * 2 ** 30);
      const begun: number[] = [];
      const watched = {
        run: (job: Parameters<ScanPool["run"]>[0]) => {
          begun.push(job.from);
          return pool.run(job);
        },
        revoke: (ids: ReadonlySet<number>) => pool.revoke(ids),
        interrupt: (ids: ReadonlySet<number>) => pool.interrupt(ids),
      } as ScanPool;
      // Four stretches of 16 chunks each start at the same time, the first at the given chunk.
      const scan = new Scan(regularSource(fd), NEWLINES, () => {}, watched);
      const chunk = 3000;
      scan.go(chunk * CHUNK);
      expect(begun).toEqual([3000, 3016, 3032, 3048]);
      await waitFor("the first chunks", () => scan.counts.count(chunk) !== undefined);
      await scan.cancel();
      expect(scan.isRunning).toBe(false);
      expect(scan.isComplete).toBe(false);
    });
  });

  it("continues if it is started again before a cancellation has ended", async () => {
    await withFile("x\n".repeat(8_000_000), async (fd) => {
      const scan = new Scan(regularSource(fd), NEWLINES, () => {}, pool);
      scan.go();
      const cancelled = scan.cancel();
      scan.go();
      await cancelled;
      await finished(scan);
      expect(scan.counts.total).toBe(8_000_000);
    });
  });

  it("ends an endless expression without affecting other scans on the same threads", async () => {
    await withFile(`${"a".repeat(60)}\n`, async (fd) => {
      const source = regularSource(fd);
      const stuck = new Scan(source, lines("^(a+)+$x?b"), () => {}, pool);
      stuck.go();
      const other = new Scan(source, NEWLINES, () => {}, pool);
      other.go();
      await waitFor("the other one", () => other.isComplete);
      await stuck.cancel();
      expect(stuck.isRunning).toBe(false);
      expect(stuck.counts.total).toBe(0);
      const again = new Scan(source, lines("^a+$"), () => {}, pool);
      again.go();
      await finished(again);
      expect(again.counts.total).toBe(1);
    });
  });

  it("counts zeros after a truncation during the scan", async () => {
    await withFile("one\n".repeat(1_000_000), async (fd, path) => {
      const scan = new Scan(regularSource(fd), NEWLINES, () => {}, pool);
      scan.go();
      truncateSync(path, 8);
      await waitFor("the end", () => !scan.isRunning);
      expect(scan.failure).toBeUndefined();
    });
  });

  it("scans a file in this thread if no other thread can read it", async () => {
    const scan = new Scan(new MemorySource("a\nb\n".repeat(600_000)), NEWLINES, () => {}, pool);
    scan.go();
    await finished(scan);
    expect(scan.counts.total).toBe(1_200_000);
  });

  it("reports a failure", async () => {
    const path = `${directory}/closed`;
    writeFileSync(path, "x\n".repeat(CHUNK));
    const fd = openSync(path, "r");
    const parts = regularSource(fd).parts?.() ?? [];
    closeSync(fd);
    const source = { start: () => 0, end: () => parts[0]?.end ?? 0, read: () => 0, parts: () => parts };
    const scan = new Scan(source, NEWLINES, () => {}, pool);
    scan.go();
    await waitFor("the failure", () => scan.failure !== undefined);
    expect(scan.failure).toMatch(/bad file descriptor|illegal operation on a directory|invalid seek/);
  });
});

describe("Hits", () => {
  it("finds the next and the previous match, and its number", async () => {
    const text = `${"no\n".repeat(500_000)}yes 1\n${"no\n".repeat(500_000)}yes 2\n`;
    await withFile(text, async (fd) => {
      const hits = new Hits(regularSource(fd), lines("yes"), () => {}, pool);
      const first = text.indexOf("yes 1");
      const second = text.indexOf("yes 2");
      expect(await hits.find(0, "forward")).toEqual({ kind: "found", at: first });
      expect(await hits.find(first + 1, "forward")).toEqual({ kind: "found", at: second });
      expect(await hits.find(second + 1, "forward")).toEqual({ kind: "none" });
      expect(await hits.find(second, "backward")).toEqual({ kind: "found", at: first });
      expect(await hits.find(first, "backward")).toEqual({ kind: "none" });
      await finished(hits.scan);
      expect([hits.ordinal(first), hits.ordinal(second), hits.ordinal(5)]).toEqual([1, 2, undefined]);
      expect(hits.scan.counts.total).toBe(2);
    });
  });

  it("can be cancelled during a search for a distant match", async () => {
    await withFile("", async (fd, path) => {
      truncateSync(path, 2 ** 40);
      const hits = new Hits(regularSource(fd), lines("z"), () => {}, pool);
      const search = hits.find(0, "forward");
      await waitFor("progress", () => hits.scan.progress > 0);
      await hits.scan.cancel();
      expect(await search).toEqual({ kind: "cancelled" });
    });
  });

  it("finds the positions of a slow expression in a thread, and does not skip its matches", async () => {
    // Each line takes some 50 ms, the last one matches.
    const text = `${`${"a".repeat(20)}b\n`.repeat(20)}${"a".repeat(20)}c\n`;
    await withFile(text, async (fd) => {
      const hits = new Hits(regularSource(fd), lines("^(a+)+c"), () => {}, pool);
      expect(await hits.find(0, "forward")).toEqual({ kind: "found", at: text.length - 22 });
      expect(hits.positions(0)).toEqual([text.length - 22]);
      expect(await hits.find(text.length, "backward")).toEqual({ kind: "found", at: text.length - 22 });
    });
  });

  it("reports the first chunks of a slow expression before the end of their stretch", async () => {
    const line = `${"a".repeat(22)}b\n`;
    const chunk = `c\n${line.repeat(4)}`.padEnd(CHUNK, "x\n");
    await withFile(chunk.repeat(8), async (fd) => {
      const jobs: number[] = [];
      const replies: ScanReply[] = [];
      const watched = {
        run(job: Parameters<ScanPool["run"]>[0]) {
          jobs.push(job.to - job.from);
          const { id, reply } = pool.run(job);
          return { id, reply: reply.then((one) => replies.push(one) && one) };
        },
      } as ScanPool;
      const scan = new Scan(regularSource(fd), lines("^(a+)+c|^c"), () => {}, watched);
      scan.go();
      await finished(scan);
      expect(scan.counts.total).toBe(8);
      expect(jobs[0]).toBe(8);
      expect(replies[0]).toMatchObject({ kind: "counted", counts: expect.not.objectContaining({ length: 8 }) });
    });
  });

  it("does not hang on an expression for the lines of a chunk", () => {
    const hits = new Hits(new MemorySource(`${"a".repeat(60)}\n`), lines("^(a+)+$x?b"), () => {}, pool);
    expect(hits.positions(0)).toEqual([]);
  });
});

describe("holes of a sparse file", () => {
  const none: Query = { kind: "lines", encoding: "utf-8", match: { patterns: ["x"] }, invert: true };
  it.each([
    ["newlines", NEWLINES],
    ["a text", lines("error")],
    ["what only zeros match", lines("\\x00")],
    ["what has no text", none],
    ["bytes", { kind: "bytes", bytes: new Uint8Array([0x72, 0x0a, 0]) } as Query],
  ])("are not read, and give the same results as zeros: %s", async (_, query) => {
    const path = `${directory}/sparse`;
    const end = 20 * CHUNK + 77;
    const data = [0, 5 * CHUNK + 1000, 12 * CHUNK - 4, end - 12];
    const fd = openSync(path, "w+");
    for (const at of data) writeSync(fd, "an error\nx\n\n", at);
    onTestFinished(() => closeSync(fd));
    const plain = new Scan(regularSource(fd), query, () => undefined, pool);
    plain.go();
    await finished(plain);
    const source = regularSource(fd);
    const block = 64 * 1024;
    const read: number[] = [];
    const scan = new Scan(
      {
        ...source,
        nextData: (position) => {
          for (const at of data) {
            const [from, to] = [Math.floor(at / block) * block, Math.ceil((at + 12) / block) * block];
            if (position < to) return Math.max(position, from);
          }
          return end;
        },
        parts: () => source.parts?.() ?? [],
      },
      query,
      () => undefined,
      {
        run: (job) => {
          for (let chunk = job.from; chunk < job.to; chunk++) read.push(chunk);
          return pool.run(job);
        },
      } as ScanPool,
    );
    scan.go();
    await finished(scan);
    const counts = (one: Scan) => Array.from({ length: 21 }, (_, chunk) => one.counts.count(chunk));
    expect(counts(scan)).toEqual(counts(plain));
    // Reads the chunks with text, their neighbours, and those in progress before the first result
    // was known.
    expect(read.length).toBeLessThan(20);
  });

  it("are not stored individually in a file of exbibytes, because that would fill the memory", () => {
    const end = 2 ** 62;
    const jobs: number[] = [];
    const reply = new Promise<ScanReply>(() => undefined);
    const scan = new Scan(
      { start: () => 0, end: () => end, read: () => 0, nextData: () => end, parts: () => [] },
      NEWLINES,
      () => undefined,
      {
        run: ({ from, to }) => {
          jobs.push(to - from);
          return { id: jobs.length, reply };
        },
      } as ScanPool,
    );
    scan.go();
    expect(jobs).toEqual([16, 16, 16, 16]);
  });
});
