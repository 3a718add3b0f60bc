import { expect, it } from "vitest";
import type { Browser } from "../../../cli/tui/browser/browser.ts";
import { processesView } from "../../../cli/tui/browser/processes-view.ts";
import { DEFAULT_THEME } from "../../../cli/tui/canvas/theme.ts";
import { keyName } from "../../../cli/tui/keymap/hints.ts";
import { waitFor } from "../../helpers/wait-for.ts";
import { connectionOf } from "./connection-of.ts";

const stat = {
  ...{ mode: 0o100644, links: 1, uid: 0, gid: 0, size: 0n, blocks: 0n, inode: 1n, mountId: 1n, relayed: false },
  ...{
    device: { major: 0, minor: 0 },
    rdev: { major: 0, minor: 0 },
    atime: 0n,
    mtime: 0n,
    ctime: 0n,
    btime: undefined,
  },
};

it("keeps the first 200,000 of endless open files, and reports the limit", async () => {
  let isOpen = true;
  const connection = connectionOf({
    async *processes() {
      const texts = { command: Buffer.from("sh"), arguments: Buffer.from("sh") };
      const numbers = { pid: 1, parent: 0, uid: 0, start: 0n, error: 0 };
      try {
        yield { kind: "process", ...numbers, ...texts };
        for (let fd = 0; fd < 1_000_000; fd++)
          yield { kind: "file", fd, flags: 0, position: 0n, stat, link: Buffer.from("/log") };
      } finally {
        isOpen = false;
      }
    },
  });
  const view = processesView(
    { theme: DEFAULT_THEME, host: { changed: () => undefined, keyOf: keyName } } as Browser,
    connection,
  );
  const right = () => view.frame({ columns: 100, height: 24 }).status.right;
  await waitFor("the end of the list", () => right().includes("only the first") || right().includes("of 1,000,000"));
  expect(right()).toBe("only the first 200,000  1 of 200,000");
  expect(isOpen).toBe(false);
  await view.close();
});

it("rounds offsets like sizes, and says that no deleted file is open", async () => {
  const position = 3_500n;
  const connection = connectionOf({
    async *processes() {
      yield {
        ...{ kind: "process", pid: 1, parent: 0, uid: 0, start: 0n, error: 0 },
        ...{ command: Buffer.from("sh"), arguments: Buffer.from("sh") },
      };
      const file = { kind: "file", fd: 3, flags: 0, position, link: Buffer.from("/log") };
      yield { ...file, stat: { ...stat, size: 200_000n } };
    },
  });
  const browser = { theme: DEFAULT_THEME, host: { changed: () => undefined, keyOf: keyName } } as Browser;
  const view = processesView(browser, connection);
  const frame = () => view.frame({ columns: 100, height: 24 });
  const plain = () => frame().rows.map((row) => row.replace(/\x1b\[[0-9;]*m/g, "").trim());
  await waitFor("the file", () => plain().some((row) => /^3 +r +3\.5K +196K +\/log$/.test(row)));
  expect(frame().status.left).toBe("at byte 3,500 of 200,000");
  view.act("toggle-deleted");
  await waitFor("no deleted file", () => plain().includes("no deleted file is open"));
  expect(plain()).toEqual(expect.arrayContaining(["D shows all open files", "q goes back"]));
  expect(view.lacks).toBe("items");
  await view.close();
});

it("lists processes by the numbers that it shows, each with its files", async () => {
  const connection = connectionOf({
    async *processes() {
      const texts = { command: Buffer.from("sh"), arguments: Buffer.from("sh") };
      for (const pid of [27414, 1, 30]) {
        yield { kind: "process", pid, parent: 0, uid: 0, start: 0n, error: 0, ...texts };
        yield { kind: "file", fd: pid, flags: 0, position: 0n, stat, link: Buffer.from("/log") };
      }
    },
  });
  const host = { changed: () => undefined, keyOf: keyName };
  const view = processesView({ theme: DEFAULT_THEME, host } as Browser, connection);
  const rows = () =>
    view.frame({ columns: 60, height: 24 }).rows.map((row) => row.replace(/\x1b\[[0-9;]*m/g, "").trim());
  await waitFor("the files", () => rows().some((row) => row.startsWith("30 ")));
  expect(rows().flatMap((row) => /^(?:PID )?(\d+) /.exec(row)?.[1] ?? [])).toEqual([
    "1",
    "1",
    "30",
    "30",
    "27414",
    "27414",
  ]);
  await view.close();
});
