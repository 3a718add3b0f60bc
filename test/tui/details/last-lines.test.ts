import { describe, expect, it } from "vitest";
import { LastLines } from "../../../cli/tui/browser/containers/last-lines.ts";

function linesOf(...parts: (string | Buffer)[]): string[] {
  const last = new LastLines();
  for (const part of parts) last.add(Buffer.from(part));
  return last.lines();
}

describe("the last lines of an output", () => {
  it("are complete for any chunks of the bytes, even within a character", () => {
    const bytes = Buffer.from("first\nsécond");
    for (let at = 0; at <= bytes.length; at++)
      expect(linesOf(bytes.subarray(0, at), bytes.subarray(at))).toEqual(["first", "sécond"]);
  });

  it("have no colours, and summarise JSON", () => {
    expect(linesOf('\x1b[31mred\x1b[m\n{"level":"error","msg":"refused","id":7}\n')).toEqual([
      "red",
      "ERROR refused id=7",
    ]);
  });

  it("show the last state of a progress bar", () => {
    expect(linesOf("10 %\r50 %\r100 %\r\n")).toEqual(["100 %"]);
  });

  it("are bounded in number and in length, even without a newline", () => {
    const last = new LastLines();
    for (let count = 0; count < 1000; count++) last.add(Buffer.from(`line ${count}\n`));
    for (let count = 0; count < 1000; count++) last.add(Buffer.alloc(1000, "x"));
    const lines = last.lines();
    expect(lines.length).toBeLessThan(100);
    expect(lines.at(-2)).toBe("line 999");
    expect(lines.at(-1)?.length).toBeLessThan(10_000);
  });
});
