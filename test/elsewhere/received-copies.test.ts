import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { afterAll, expect, test } from "vitest";
import { attributes, type FrameKind, frame, number } from "../../cli/cp/copy-frames.ts";
import { ReceivedCopies } from "../../cli/cp/received-copies.ts";

const base = mkdtempSync(`${tmpdir()}/porthole-received-`);
afterAll(() => rmSync(base, { recursive: true }));

const TIMES = { atime: 1_500_000_000_000_000_001n, mtime: 1_400_000_000_000_000_002n };
const one = frame("c", number(1, 4));
const named = (kind: FrameKind, name: string) => frame(kind, Buffer.from(name));
const part = (at: number, text: string) => frame("b", number(at, 8), Buffer.from(text));
const end = (size: number) => frame("e", number(size, 8), attributes({ mode: 0o100640, times: TIMES }));

/**
 * Receives the frames in a new directory, in pieces of this many bytes. Returns the directory and
 * the errors.
 */
function receive(frames: readonly Buffer[], { pieces = 1 << 20, path = "" } = {}): { into: string; errors: string[] } {
  const into = mkdtempSync(`${base}/`);
  return { into, errors: receiveIn(`${into}/${path}`, frames, pieces) };
}

function receiveIn(path: string, frames: readonly Buffer[], pieces = 1 << 20): string[] {
  const errors: string[] = [];
  using copies = new ReceivedCopies({ path, replace: false, failed: (error) => errors.push((error as Error).message) });
  const all = Buffer.concat(frames);
  for (let at = 0; at < all.length; at += pieces) copies.take(all.subarray(at, at + pieces));
  return errors;
}

test.each([1, 7, 4096])("creates a file with its holes, mode and times from pieces of %i bytes", (pieces) => {
  const frames = [one, named("f", "log"), part(0, "begin"), part(1_000_000, "end"), end(2_000_000)];
  const { into, errors } = receive(frames, { pieces });
  expect(errors).toEqual([]);
  const stat = statSync(`${into}/log`, { bigint: true });
  expect(stat).toMatchObject({ size: 2_000_000n, mode: 0o100640n, mtimeNs: TIMES.mtime, atimeNs: TIMES.atime });
  const expected = Buffer.alloc(2_000_000);
  expected.write("begin");
  expected.write("end", 1_000_000);
  expect(readFileSync(`${into}/log`).equals(expected)).toBe(true);
});

test.each(["..", ".", "", "a/b", "/etc/x", "../x", "a\0b"])("creates nothing under the name %j", (name) => {
  const link = frame("l", number(name.length, 2), Buffer.from(`${name}/etc`), attributes({ mode: 0, times: TIMES }));
  const tree = [named("d", name), named("f", "inside"), part(0, "x"), end(1), frame("u")];
  const { into, errors } = receive([one, named("f", name), part(0, "x"), end(1), ...tree, link]);
  expect(errors.length).toBe(3);
  for (const error of errors) expect(error).toMatch(/not a valid file name$/);
  expect(readdirSync(into)).toEqual([]);
});

test("removes a file that was not read to its end, or whose connection was lost", () => {
  const { into, errors } = receive([one, named("f", "a"), part(0, "x"), frame("x"), named("f", "b"), part(0, "y")]);
  expect({ errors, left: readdirSync(into) }).toEqual({ errors: [], left: [] });
});

test.each(["c", "b", "e", "m", "l"] as const)("refuses a frame of kind %s whose payload is too short", (kind) => {
  const start = [one, named("d", "dir"), named("f", "file")];
  expect(() => receive([...start, frame(kind, Buffer.of(0))])).toThrow("sent no copies");
});

test("does not follow a link in the destination, and skips the files below it", () => {
  const into = mkdtempSync(`${base}/`);
  const outside = mkdtempSync(`${base}/`);
  symlinkSync(outside, `${into}/d`);
  const errors = receiveIn(into, [one, named("d", "d"), named("f", "a"), part(0, "x"), end(1), frame("u")]);
  expect(errors).toEqual([`cannot create ${into}/d: Not a directory`]);
  expect(readdirSync(outside)).toEqual([]);
});

test("does not replace a file, and creates the next one", () => {
  const file = (name: string) => [named("f", name), part(0, "new"), end(3)];
  const { into } = receive([one, ...file("a")]);
  expect(receiveIn(into, [one, ...file("a"), ...file("b")])).toEqual([`cannot create ${into}/a: File exists`]);
  expect(readdirSync(into).sort()).toEqual(["a", "b"]);
});

test("refuses several sources for one name, and invalid frames", () => {
  const several = [frame("c", number(2, 4))];
  expect(() => receive(several, { path: "none" })).toThrow("cannot copy several sources");
  expect(() => receive([Buffer.from("text of another program")])).toThrow("sent no copies");
  expect(() => receive([named("f", "before the destination")])).toThrow("sent no copies");
  mkdirSync(`${base}/dir`);
  expect(receiveIn(`${base}/dir`, several)).toEqual([]);
});
