import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Compositor } from "../../cli/tui/canvas/compositor.ts";
import { DEFAULT_THEME } from "../../cli/tui/canvas/theme.ts";
import { statusRow } from "../../cli/tui/ui/row-text.ts";
import { ModelTerminal } from "./model-terminal.ts";

const log = (first: number, count: number, width = 200) =>
  Array.from({ length: count }, (_, i) => `2026-11-23 08:00:${first + i} request ${first + i} `.padEnd(width, "x"));

describe("Compositor", () => {
  it("draws every row at first, and sends no bytes without a change", () => {
    const compositor = new Compositor();
    expect(compositor.frame(["one", "two"])).toBe("\x1b[?2026h\x1b[1;1H\x1b[Kone\x1b[2;1H\x1b[Ktwo\x1b[?2026l");
    expect(compositor.frame(["one", "two"])).toBe("");
    compositor.invalidate();
    expect(compositor.frame(["one", "two"])).toContain("\x1b[1;1H\x1b[Kone");
  });

  it("draws only the part of a row that changed", () => {
    const compositor = new Compositor();
    compositor.frame(["a", "byte 100 of 900"]);
    expect(compositor.frame(["a", "byte 120 of 900"])).toBe("\x1b[?2026h\x1b[2;7H2\x1b[?2026l");
    expect(compositor.frame(["a", "byte 12"])).toBe("\x1b[?2026h\x1b[2;8H\x1b[K\x1b[?2026l");
  });

  it("sends only the last of several colours before a text", () => {
    const compositor = new Compositor();
    const row = (text: string) => `\x1b[38;5;1m\x1b[48;5;2m\x1b[1m\x1b[38;5;3m${text}\x1b[m`;
    compositor.frame(["a", row("byte 100")]);
    expect(compositor.frame(["a", row("byte 120")])).toBe(
      "\x1b[?2026h\x1b[2;7H\x1b[48;5;2m\x1b[1m\x1b[38;5;3m2\x1b[m\x1b[?2026l",
    );
  });

  it("draws only the changed part of a status row", () => {
    const compositor = new Compositor();
    const terminal = new ModelTerminal(2, 200);
    const screen = (mark: string, left: string, right: string) => {
      const status = { mark, left, right };
      const pieces = statusRow({ status, columns: 200 }, DEFAULT_THEME);
      return ["title", pieces.map(({ text, style }) => `\x1b[${style}m${text}\x1b[m`).join("")];
    };
    const steps = [
      screen("FOLLOW", "▁▂▃▄ 1,200 lines/s", " line 1,000  END  byte 64,000 of 64,960"),
      screen("FOLLOW", "▂▃▄▅ 1,310 lines/s", " line 2,310  END  byte 147,840 of 148,800"),
      screen("PAUSED", "12 new lines: End", " line 2,309  99 %  byte 147,776 of 149,900"),
      screen("", "/needle  3 of 17+ (40 %)", " line 9  1 %  byte 512 of 149,900"),
      screen("", "/needle  4 of 18+ (45 %)", " line 9  1 %  byte 512 of 149,900"),
    ];
    const sizes = steps.map((rows) => {
      const bytes = compositor.frame(rows);
      terminal.write(bytes);
      const plain = new ModelTerminal(2, 200);
      rows.forEach((text, index) => {
        plain.write(`\x1b[${index + 1};1H${text}`);
      });
      expect(terminal.cells).toEqual(plain.cells);
      return bytes.length;
    });
    // The whole row needs more than 200 bytes.
    expect(Math.max(...sizes.slice(1))).toBeLessThan(200);
    expect(sizes.at(-1)).toBeLessThan(60);
  });

  it("scrolls by one line with a scroll region, up and down, in at most 300 bytes at 200 columns", () => {
    const compositor = new Compositor();
    const terminal = new ModelTerminal(50, 200);
    const status = (at: number) => `\x1b[7m status ${String(at * 200).padStart(12)} of 12,884,901,888 \x1b[27m`;
    const screen = (at: number) => ["\x1b[7mtitle\x1b[27m", ...log(at, 48), status(at)];
    terminal.write(compositor.frame(screen(100)));
    for (const at of [101, 102, 101, 100, 99]) {
      const bytes = compositor.frame(screen(at));
      expect(Buffer.byteLength(bytes)).toBeLessThanOrEqual(300);
      expect(bytes).toContain("\x1b[2;49r");
      terminal.write(bytes);
      expect(terminal.rows.slice(1, 49)).toEqual(log(at, 48));
    }
  });

  it("scrolls by several lines too, but not if most of the rows are new", () => {
    const compositor = new Compositor();
    compositor.frame(log(0, 20));
    expect(compositor.frame(log(5, 20))).toContain("\x1b[5S");
    expect(compositor.frame(log(100, 20))).not.toMatch(/\x1b\[\d+[ST]/);
  });

  it("never erases the screen", () => {
    const compositor = new Compositor();
    const bytes = compositor.frame(log(0, 50)) + compositor.frame(log(1, 50)) + compositor.frame(Array(50).fill(""));
    expect(bytes).not.toMatch(/\x1b\[[23]?J/);
  });

  it("escapes control characters of a row", () => {
    const bytes = new Compositor().frame(["a\x1b]0;x\x07b\r\n\u009b2J"]);
    expect(bytes.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, "")).toBe("a^[]0;x^Gb^M^J<9B>2J");
  });

  it("gives the terminal the content of each frame, for any sequence of frames", () => {
    const row = fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom("", "a", "b", "same", "same2", "sam", "x".repeat(10)) },
      fc.constantFrom(
        "\x1b[7mabc\x1b[27m",
        "\x1b[7mabd\x1b[27m",
        "\x1b[0;31mred\x1b[m",
        "\x1b[0;1;31mred\x1b[m s",
        "é",
        "éa",
      ),
    );
    const frames = fc.array(fc.oneof(fc.array(row, { minLength: 6, maxLength: 6 }), fc.integer({ min: -3, max: 3 })), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(frames, (steps) => {
        const compositor = new Compositor();
        const terminal = new ModelTerminal(6, 10);
        let rows: string[] = Array(6).fill("");
        for (const step of steps) {
          if (typeof step !== "number") rows = step;
          else if (step > 0) rows = [...rows.slice(step), ...Array(step).fill("new")];
          else rows = [...Array(-step).fill("new"), ...rows.slice(0, 6 + step)];
          terminal.write(compositor.frame(rows));
          const plain = new ModelTerminal(6, 10);
          rows.forEach((text, index) => {
            plain.write(`\x1b[${index + 1};1H${text}`);
          });
          expect(terminal.cells).toEqual(plain.cells);
          expect(terminal.synchronised).toBe(false);
        }
      }),
      { numRuns: 500 },
    );
  });
});

it("keeps the columns after a character whose width depends on the terminal", () => {
  const frame = (row: string) =>
    new Compositor().frame([row]).slice("\x1b[?2026h\x1b[1;1H\x1b[K".length, -"\x1b[?2026l".length);
  expect(frame("👍🏽 root")).toBe("👍🏽\x1b[3G root");
  expect(frame("\x1b[31m🇩🇪\x1b[m👩‍👩‍👧‍👦x")).toBe("\x1b[31m🇩🇪\x1b[m\x1b[3G👩‍👩‍👧‍👦\x1b[5Gx");
  expect(frame("日本 é root")).toBe("日本 é root");
});

describe("the compositor's edge", () => {
  const edge = (...cells: string[]) => ({ column: 9, cells });
  const cell = "\x1b[7m \x1b[m";

  it("draws the same content as a redraw of the whole screen, through changes of rows and cells and scrolling", () => {
    const text = fc.constantFrom("", "abcdefghi", "abcdefgh", "short", "\x1b[31mred\x1b[m");
    const frame = fc.array(fc.tuple(text, fc.constantFrom("", cell)), { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(fc.array(frame, { minLength: 2, maxLength: 6 }), (frames) => {
        const compositor = new Compositor();
        const terminal = new ModelTerminal(6, 10);
        for (const rows of frames) {
          const cells = edge(...rows.map(([, one]) => one));
          terminal.write(
            compositor.frame(
              rows.map(([row]) => row),
              cells,
            ),
          );
          const whole = new ModelTerminal(6, 10);
          whole.write(
            new Compositor().frame(
              rows.map(([row]) => row),
              cells,
            ),
          );
          expect(terminal.cells).toEqual(whole.cells);
        }
      }),
    );
  });

  it("moves a cell without drawing the row again", () => {
    const compositor = new Compositor();
    compositor.frame(["one", "two"], edge(cell, ""));
    expect(compositor.frame(["one", "two"], edge("", cell))).toBe(`\x1b[?2026h\x1b[1;10H \x1b[2;10H${cell}\x1b[?2026l`);
    expect(compositor.frame(["one", "two"])).toBe("\x1b[?2026h\x1b[2;10H \x1b[?2026l");
  });
});
