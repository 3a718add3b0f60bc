import { render } from "ink-testing-library";
import { beforeAll, describe, expect, it } from "vitest";
import { Dialog } from "../../cli/tui/app/prompt/dialog.ts";
import { DEFAULT_THEME } from "../../cli/tui/canvas/theme.ts";
import { KEYMAP } from "../../cli/tui/keymap/keymap.ts";
import { dialogState } from "../../cli/tui/ui/dialog.ts";
import { DialogOverlay } from "../../cli/tui/ui/dialog-overlay.tsx";
import { overlayCorner } from "../../cli/tui/ui/overlay-corner.ts";
import { toastState } from "../../cli/tui/ui/toast.ts";
import { Toast } from "../../cli/tui/ui/toast.tsx";
import type { Question } from "../../cli/tui/view/view.ts";
import { loadWidths } from "../../src/text/rows/width.ts";
import { CONTROL, HOSTILE } from "../text/hostile.ts";

beforeAll(loadWidths);

const QUESTION: Question = {
  title: "Open a pipe?",
  subject: "web:/srv/queue",
  text: "Reading consumes its data. The engine keeps the output: web:@logs shows it.",
  yes: "read it",
  no: "do not open it",
  answered: () => undefined,
};
const plain = (text = "") => text.replace(/\x1b\[[0-9;]*m/g, "").split("\n");

describe("a dialog", () => {
  const pressed = (...keys: string[]) => {
    const dialog = new Dialog(QUESTION, KEYMAP);
    return keys.map((key) => dialog.take({ kind: "key", key })).at(-1);
  };

  it.each([
    [["enter"], false],
    [["n"], false],
    [["escape"], false],
    [["y"], true],
    [["tab", "enter"], true],
    [["left", "enter"], true],
    [["right", "right", "enter"], false],
    [["x"], undefined],
    [["Y"], undefined],
    [[" "], undefined],
  ])("takes %j as the answer %s", (keys, answer) => {
    expect(pressed(...keys)).toBe(answer);
  });

  it("takes no pasted text as an answer", () => {
    expect(new Dialog(QUESTION, KEYMAP).take({ kind: "paste", text: "y" })).toBeUndefined();
  });

  it.each([20, 80, 200])("shows the question and both answers within %d columns", (columns) => {
    const state = dialogState(QUESTION, false, { columns, height: 20 });
    expect(state.width).toBeLessThanOrEqual(columns);
    const rows = plain(render(<DialogOverlay state={state} theme={DEFAULT_THEME} />).lastFrame());
    expect(new Set(rows.map((row) => row.length))).toEqual(new Set([state.width]));
    if (columns < 80) return;
    expect(rows[0]).toMatch(/^╭─ Open a pipe\? ─+╮$/);
    expect(rows.join(" ")).toContain("Reading consumes its data.");
    expect(rows.at(-2)).toMatch(/^│ {2}n do not open it {4}y read it +│$/);
  });

  it("shows its answers on a low screen, and truncates its text with an ellipsis", () => {
    const body = { columns: 40, height: 7 };
    const state = dialogState({ ...QUESTION, text: "word ".repeat(60).trim() }, false, body);
    const rows = plain(render(<DialogOverlay state={state} theme={DEFAULT_THEME} />).lastFrame());
    expect(rows.length).toBe(7);
    expect(rows[1]).toMatch(/^│ web:\/srv\/queue +│$/);
    expect(rows[3]).toMatch(/…\s*│$/);
    expect(rows.at(-2)).toContain("read it");
  });

  it("splits a name that is longer than a line, and shows all of it", () => {
    const name = `web:/${"directory/".repeat(12)}end`;
    const state = dialogState({ ...QUESTION, subject: name }, false, { columns: 80, height: 20 });
    expect(state.lines.slice(0, state.subject).join("")).toBe(name);
    for (const line of state.lines) expect(line.length).toBeLessThanOrEqual(60);
  });

  it("marks the answer that Enter gives", () => {
    const row = (isYes: boolean) =>
      render(
        <DialogOverlay
          state={dialogState(QUESTION, isYes, { columns: 80, height: 20 })}
          theme={{ ...DEFAULT_THEME, key: "", selection: "7" }}
        />,
      )
        .lastFrame()
        ?.split("\n")
        .at(-2);
    expect(row(false)).toMatch(/\x1b\[7m[^\x1b]*do not open it \x1b\[27m/);
    expect(row(true)).toMatch(/\x1b\[7m[^\x1b]*read it \x1b\[27m/);
  });

  it.each(HOSTILE)("escapes $name", ({ bytes }) => {
    const text = bytes.toString("utf8");
    const state = dialogState({ ...QUESTION, title: text, text }, false, { columns: 80, height: 20 });
    for (const row of plain(render(<DialogOverlay state={state} theme={DEFAULT_THEME} />).lastFrame()))
      expect(row).not.toMatch(CONTROL);
  });
});

describe("a toast", () => {
  const body = { columns: 80, height: 21 };
  const draw = (message: string, size = body) => {
    const state = toastState(message, size);
    return state ? plain(render(<Toast state={state} theme={DEFAULT_THEME} />).lastFrame()) : undefined;
  };

  it("is as wide as its message, at the lower right end", () => {
    expect(draw("copied 12 bytes")).toEqual(["▌copied 12 bytes "]);
    const state = toastState("copied 12 bytes", body);
    expect(state && overlayCorner(state, { width: state.width, height: 1 }, body)).toEqual({ column: 63, row: 20 });
    expect(draw("")).toBeUndefined();
  });

  it("wraps a long message, and cuts a message that is longer than four rows", () => {
    const rows = draw("word ".repeat(30).trim()) ?? [];
    expect(rows.length).toBe(2);
    expect(rows.join("").match(/word/g)?.length).toBe(30);
    const cut = draw("word ".repeat(300)) ?? [];
    expect(cut.length).toBe(4);
    expect(cut.at(-1)).toMatch(/… ?$/);
    for (const row of [...rows, ...cut]) expect(row.length).toBeLessThanOrEqual(80);
  });

  it.each([
    { columns: 1, height: 1 },
    { columns: 10, height: 2 },
  ])("fits a body of $columns x $height", (size) => {
    const rows = draw("a message of some words", size) ?? [];
    expect(rows.length).toBeLessThanOrEqual(size.height);
    for (const row of rows) expect(row.length).toBeLessThanOrEqual(Math.max(3, size.columns));
  });
});
