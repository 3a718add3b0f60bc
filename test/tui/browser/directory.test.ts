import { afterEach, expect, it, vi } from "vitest";
import { readDirectory } from "../../../cli/tui/browser/files/directory.ts";
import { WatchedDirectory } from "../../../cli/tui/browser/files/watched-directory.ts";
import type { Session } from "../../../src/sessions/index.ts";
import { connectionOf } from "./connection-of.ts";

afterEach(() => {
  vi.useRealTimers();
});

it("stops reading a directory that is no longer shown, and releases it", async () => {
  const abort = new AbortController();
  let isOpen = true;
  const connection = connectionOf({
    async *list() {
      try {
        for (let i = 0; ; i++) yield { name: `n${i}`, type: 8, stat: undefined, link: undefined };
      } finally {
        isOpen = false;
      }
    },
  });
  const seen: number[] = [];
  const some = (items: unknown[]) => {
    seen.push(items.length);
    abort.abort();
  };
  const options = { maxEntries: 50_000, some, signal: abort.signal };
  expect(await readDirectory(connection, "/", options)).toEqual({ items: [], isWhole: false });
  expect(seen).toEqual([2000]);
  expect(isOpen).toBe(false);
});

it("reads a busy directory once at a time, and again after the last change", async () => {
  vi.useFakeTimers();
  let change: () => void = () => undefined;
  const session = {
    watch: async (_path: string, _mask: number, changed: (event: { mask: number }) => void) => {
      change = () => changed({ mask: 2 });
      return () => undefined;
    },
  } as unknown as Session;
  const looks: (() => void)[] = [];
  const look = () => new Promise<void>((resolve) => looks.push(resolve)).then(() => watched.looked(0));
  const watched = new WatchedDirectory(look);
  await watched.watch(session, "/");
  watched.looked(0);
  for (let i = 0; i < 100; i++) {
    change();
    await vi.advanceTimersByTimeAsync(100);
  }
  expect(looks).toHaveLength(1);
  looks[0]?.();
  await vi.advanceTimersByTimeAsync(1000);
  expect(looks).toHaveLength(2);
  looks[1]?.();
  await vi.advanceTimersByTimeAsync(1000);
  expect(looks).toHaveLength(2);
  change();
  watched.close();
  await vi.advanceTimersByTimeAsync(1000);
  expect(looks).toHaveLength(2);
});
