import { render } from "ink-testing-library";
import { beforeAll, describe, expect, it } from "vitest";
import { type Rectangle, splitBody, withPanel } from "../../../cli/tui/canvas/layout.ts";
import { barChart } from "../../../cli/tui/canvas/sparkline.ts";
import { clipStart, textWidth } from "../../../cli/tui/canvas/text-width.ts";
import { DEFAULT_THEME } from "../../../cli/tui/canvas/theme.ts";
import { factLimits, panelSections } from "../../../cli/tui/ui/panel-rows.ts";
import { PanelCharts, PanelFacts, PanelLines } from "../../../cli/tui/ui/side-panel.tsx";
import type { PanelState } from "../../../cli/tui/view/panel.ts";
import { loadWidths } from "../../../src/text/rows/width.ts";
import { plain } from "../../helpers/plain.ts";
import { CONTROL, HOSTILE } from "../../text/hostile.ts";

beforeAll(loadWidths);

const SIZES = [
  { columns: 80, height: 21 },
  { columns: 120, height: 33 },
  { columns: 200, height: 47 },
];

function panelAt(body: { columns: number; height: number }): Rectangle {
  const split = splitBody(body);
  if (!split) throw new Error("no room for a panel");
  return split.panel;
}

function state(at: Rectangle, change: Partial<PanelState> = {}): PanelState {
  return {
    ...at,
    title: "web",
    summary: [{ text: "running", tone: "good" }],
    facts: [
      { label: "IMAGE", rows: [{ texts: [{ text: "shop/web:1" }] }] },
      {
        label: "MOUNTS",
        rows: [{ texts: [{ text: "/srv" }, { text: "  volume data" }], end: "read-only", isPath: true }],
      },
    ],
    charts: [{ label: "CPU", value: "12%", values: [0, 1, 2], max: 2 }],
    lines: { title: "OUTPUT", hint: "L shows all", lines: ["first", "ERROR second"], note: "" },
    ...change,
  };
}

/** Draws the rows of the panel, as its three roots do. */
function draw(panel: PanelState, isPlain = true): string[] {
  const { facts, charts, lines } = panelSections(panel);
  const parts = [
    { height: facts.height, tree: <PanelFacts state={facts} theme={DEFAULT_THEME} /> },
    { height: charts.height, tree: <PanelCharts state={charts} theme={DEFAULT_THEME} /> },
    { height: lines.height, tree: <PanelLines state={lines} theme={DEFAULT_THEME} /> },
  ];
  return parts.flatMap(({ height, tree }) => {
    if (height === 0) return [];
    const frame = render(tree).lastFrame() ?? "";
    const rows = (isPlain ? plain(frame) : frame).split("\n");
    expect(rows.length).toBe(height);
    return rows;
  });
}

describe("the panel of details", () => {
  it.each(SIZES)("fills its rectangle at $columns columns, next to or below the list", (body) => {
    const at = panelAt(body);
    const rows = draw(state(at));
    expect(rows.length).toBe(at.height);
    for (const row of rows) expect(textWidth(row)).toBeLessThanOrEqual(at.width);
    expect(rows[0]).toContain("web  running");
    const text = rows.join("\n");
    for (const words of [
      "IMAGE     shop/web:1",
      "/srv  volume data",
      "CPU",
      "12%",
      "OUTPUT",
      "L shows all",
      "ERROR second",
    ])
      expect(text).toContain(words);
  });

  it("shows control characters of every text, and keeps its width with wide characters", () => {
    const texts = HOSTILE.map(({ bytes }) => bytes.toString("utf8"));
    const [first = ""] = texts;
    const at = { column: 66, row: 0, width: 54, height: 20 + 6 * texts.length };
    const rows = draw(
      state(at, {
        title: first,
        summary: texts.map((text) => ({ text })),
        facts: texts.flatMap((text) => [
          { label: "IMAGE", rows: [{ texts: [{ text }], end: text }] },
          { label: "PATH", rows: [{ texts: [{ text }, { text }], isPath: true }] },
        ]),
        lines: { title: "OUTPUT", hint: "L", lines: texts, note: "" },
      }),
    );
    expect(rows.some((row) => row.includes("^["))).toBe(true);
    for (const row of rows) {
      expect(row).not.toMatch(CONTROL);
      expect(textWidth(row)).toBeLessThanOrEqual(at.width);
    }
  });

  it("shows the last lines if there is no room for all", () => {
    const lines = Array.from({ length: 100 }, (_, index) => `line ${index}`);
    const rows = draw(
      state(panelAt({ columns: 120, height: 33 }), { lines: { title: "OUTPUT", hint: "", lines, note: "" } }),
    );
    expect(rows.at(-1)).toContain("line 99");
    expect(rows.at(-2)).toContain("line 98");
    expect(rows.join("\n")).not.toContain("line 1\n");
  });

  it("wraps a line over three rows at most", () => {
    const long = "word ".repeat(100);
    const rows = draw(
      state(panelAt({ columns: 120, height: 33 }), {
        lines: { title: "OUTPUT", hint: "", lines: [long, "end"], note: "" },
      }),
    );
    expect(rows.filter((row) => row.includes("word")).length).toBe(3);
    expect(rows.filter((row) => row.includes("…")).length).toBe(1);
  });

  it("shows why there are no lines", () => {
    const lines = { title: "OUTPUT", hint: "", lines: [], note: "its log driver is 'none'" };
    expect(draw(state(panelAt({ columns: 120, height: 33 }), { lines })).join("\n")).toContain(
      "its log driver is 'none'",
    );
  });

  it("shortens long facts and counts the omitted rows, so that lines stay visible", () => {
    const rows = Array.from({ length: 30 }, (_, index) => ({ texts: [{ text: `/mount${index}` }] }));
    const drawn = draw(state(panelAt({ columns: 80, height: 21 }), { facts: [{ label: "MOUNTS", rows }] })).join("\n");
    expect(drawn).toMatch(/\d+ more/);
    expect(drawn).toContain("ERROR second");
  });

  it("colours a level in the output", () => {
    const rows = draw(state(panelAt({ columns: 120, height: 33 })), false);
    expect(rows.find((row) => row.includes("ERROR"))).toMatch(/\x1b\[31mERROR\x1b\[39m second/);
  });
});

describe("the layout of a panel", () => {
  it("is next to the list from 110 columns on, below it on a narrower screen, and hidden on a low screen", () => {
    expect(splitBody({ columns: 120, height: 33 })).toEqual({
      list: { columns: 65, height: 33 },
      panel: { column: 66, row: 0, width: 54, height: 33 },
    });
    expect(splitBody({ columns: 80, height: 21 })).toEqual({
      list: { columns: 80, height: 8 },
      panel: { column: 0, row: 8, width: 80, height: 13 },
    });
    expect(splitBody({ columns: 80, height: 13 })).toBeUndefined();
  });

  it("pads the rows of a list up to the panel, by columns and not by characters", () => {
    const at = { column: 6, row: 0, width: 3, height: 2 };
    expect(withPanel(["ab", "\x1b[1m漢字\x1b[m"], ["│ x", "│ y"], at)).toEqual(["ab    │ x", "\x1b[1m漢字\x1b[m  │ y"]);
    expect(withPanel(["ab", ""], ["x"], { column: 0, row: 1, width: 3, height: 1 })).toEqual(["ab", "x"]);
  });

  it("gives every fact its first row before any fact gets a second row", () => {
    expect(factLimits([1, 5, 3], 4)).toEqual([1, 2, 1]);
    expect(factLimits([1, 5, 3], 100)).toEqual([1, 5, 3]);
    expect(factLimits([1, 1, 1], 2)).toEqual([1, 1, 0]);
  });
});

describe("a chart of several rows", () => {
  it("shows the last values at the right, and the highest value in full height", () => {
    expect(barChart([0, 4, 8, 16], 16, { width: 5, height: 2 })).toEqual(["    █", " ▁▄██"]);
    expect(barChart([1, 2, 3], 3, { width: 2, height: 1 })).toEqual(["▅█"]);
    expect(barChart([], 0, { width: 3, height: 1 })).toEqual(["   "]);
  });
});

describe("a path that is too long", () => {
  it("keeps its end", () => {
    expect(clipStart("/var/log/nginx/access.log", 12)).toEqual({ text: "…/access.log", width: 12 });
    expect(clipStart("/a", 12)).toEqual({ text: "/a", width: 2 });
    expect(clipStart("漢字漢字", 4)).toEqual({ text: "…字", width: 3 });
  });
});
