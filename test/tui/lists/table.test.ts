import { beforeAll, describe, expect, it } from "vitest";
import { textWidth } from "../../../cli/tui/canvas/text-width.ts";
import { type Column, paint, paintOver, Table } from "../../../cli/tui/lists/table.ts";
import { loadWidths } from "../../../src/text/rows/width.ts";
import { CONTROL, HOSTILE } from "../../text/hostile.ts";

beforeAll(loadWidths);

interface Thing {
  name: string;
  size: string;
  note: string;
}

const columns: Column<Thing>[] = [
  { title: "SIZE", cell: ({ size }) => size, align: "right", dispensable: 1 },
  { title: "NOTE", cell: ({ note }) => ({ text: note, style: "2" }), maxWidth: 10, dispensable: 2 },
  { title: "NAME", rest: true, cell: ({ name }) => [{ text: name, style: "1;36" }, { text: " ->" }] },
];
const thing = (name: string, size = "1", note = "n"): Thing => ({ name, size, note });
const plain = (row: string) => row.replace(/\x1b\[[0-9;]*m/g, "");

describe("Table", () => {
  it("aligns columns, truncates long cells, and gives the remaining width to one column", () => {
    const { title, rows } = new Table(columns).rows(
      [thing("a", "12345"), thing("bb", "7", "a note that is long")],
      50,
      { title: "" },
    );
    expect(title).toBe(" SIZE  NOTE        NAME".padEnd(50));
    expect(rows.map((row) => plain(row).trimEnd())).toEqual(["12345  n           a ->", "    7  a note th…  bb ->"]);
    expect(rows[0]).toContain("\x1b[1;36ma\x1b[m");
  });

  it("omits columns if there is no room, the least important first", () => {
    const titles = (width: number) =>
      new Table(columns)
        .rows([thing("a")], width, { title: "" })
        .title.trim()
        .split(/ +/);
    expect(titles(60)).toEqual(["SIZE", "NOTE", "NAME"]);
    expect(titles(30)).toEqual(["SIZE", "NAME"]);
    expect(titles(20)).toEqual(["NAME"]);
    for (const width of [1, 2, 3]) {
      const { rows } = new Table(columns).rows([thing("abcdef")], width, { title: "" });
      expect(textWidth(plain(rows[0] ?? ""))).toBe(width);
    }
  });

  it("keeps a narrow column that has room once a wide and more important one is omitted", () => {
    const some: Column<Thing>[] = [
      { title: "NAME", cell: ({ name }) => name },
      { title: "SIZE", cell: ({ size }) => size, dispensable: 2 },
      { title: "NOTE", cell: ({ note }) => note, rest: 16, dispensable: 1 },
    ];
    const titles = (width: number) => new Table(some).rows([thing("a")], width, { title: "" }).title.trim();
    expect([titles(28), titles(25), titles(16)]).toEqual(["NAME  SIZE  NOTE", "NAME  NOTE", "NAME  SIZE"]);
    // But not in the room that the cells of the last column need.
    const wide: Column<Thing>[] = [
      { title: "NAME", cell: ({ name }) => name },
      { title: "SIZE", cell: ({ size }) => size, dispensable: 2 },
      { title: "WIDE", cell: () => "w".repeat(20), dispensable: 1 },
      { title: "NOTE", cell: ({ note }) => note, rest: 5, restWanted: 12 },
    ];
    const wideTitles = (width: number) =>
      new Table(wide).rows([thing("a", "1", "n".repeat(12))], width, { title: "" }).title.trim();
    expect([wideTitles(24), wideTitles(22)]).toEqual(["NAME  SIZE  NOTE", "NAME  NOTE"]);
  });

  it("marks a truncated cell with an ellipsis, even between two of its segments", () => {
    const pieces: Column<string[]>[] = [{ title: "T", rest: 1, cell: (of) => of.map((text) => ({ text })) }];
    const shown = (...of: string[]) => new Table(pieces).rows([of], 5, { title: "" }).rows[0];
    expect(shown("abcde")).toBe("abcde");
    expect(shown("abcdef")).toBe("abcd…");
    expect(shown("abcde", "f")).toBe("abcd…");
    expect(shown("abcd", "e")).toBe("abcde");
    expect(shown("abcd", "ef")).toBe("abcd…");
    expect(shown("ab", "cd", "ef")).toBe("abcd…");
    expect(shown("日本語")).toBe("日本…");
    expect(shown("ab", "")).toBe("ab   ");
  });

  it("omits an optional column without text, and limits a column to its share of the width", () => {
    const some: Column<Thing>[] = [
      { title: "NAME", cell: ({ name }) => name, share: 0.4 },
      { title: "SIZE", cell: ({ size }) => size, isOptional: true },
      { title: "NOTE", cell: ({ note }) => note, rest: 5 },
    ];
    const table = new Table(some);
    const rows = (one: Thing) => table.rows([one], 50, { title: "" });
    expect(rows(thing("a", "")).title.trim().split(/ +/)).toEqual(["NAME", "NOTE"]);
    expect(
      rows(thing("b".repeat(30), "1"))
        .title.trim()
        .split(/ +/),
    ).toEqual(["NAME", "SIZE", "NOTE"]);
    expect(rows(thing("b".repeat(30))).rows[0]).toMatch(/^b{19}… {2}1/);
  });

  it("shrinks a column for the one with the remaining width before it omits another", () => {
    const some: Column<Thing>[] = [
      { title: "NAME", cell: ({ name }) => name, maxWidth: 40, shrinksTo: 10 },
      { title: "SIZE", cell: ({ size }) => size, dispensable: 1 },
      { title: "NOTE", cell: ({ note }) => note, rest: 5, restWanted: 12, dispensable: 2 },
    ];
    const row = (width: number, note = "n".repeat(20)) =>
      plain(new Table(some).rows([thing("a".repeat(30), "1234", note)], width, { title: "" }).rows[0] ?? "");
    expect(row(60)).toBe(`${"a".repeat(30)}  1234  ${"n".repeat(20)}  `);
    expect(row(40)).toBe(`${"a".repeat(19)}…  1234  ${"n".repeat(11)}…`);
    // Only as far as the cells need it.
    expect(row(40, "nnnnn")).toBe(`${"a".repeat(26)}…  1234  nnnnn`);
    expect(row(24)).toBe(`${"a".repeat(9)}…  1234  nnnnn…`);
    expect(row(22).trimEnd()).toBe(`${"a".repeat(15)}…  1234`);
    expect(row(12)).toBe(`${"a".repeat(11)}…`);
  });

  it("finds the column whose title, or the gap after it, is at a position", () => {
    const named = columns.map((column) => ({ ...column, id: column.title }));
    const table = new Table(named);
    table.rows([thing("a", "12345", "note")], 50, { title: "" });
    const at = (place: number) => table.columnAt(place)?.id;
    expect([0, 6, 7, 12, 13, 49].map(at)).toEqual(["SIZE", "SIZE", "NOTE", "NOTE", "NAME", "NAME"]);
    table.rows([thing("a", "12345", "note")], 20, { title: "" });
    expect([0, 19].map(at)).toEqual(["NAME", "NAME"]);
    expect(new Table(named).columnAt(0)).toBeUndefined();
  });

  it("draws a selected row with its own colours", () => {
    const row = ` ${paint("web", "1")} ${paint("up", "38;2;1;2;3")} ${paint("old", "2;30;43")}`;
    expect(paintOver(row, "48;5;17")).toBe(
      "\x1b[48;5;17m \x1b[1;48;5;17mweb\x1b[0;48;5;17m \x1b[38;2;1;2;3;48;5;17mup\x1b[0;48;5;17m " +
        "\x1b[2;30;43;48;5;17mold\x1b[0;48;5;17m\x1b[m",
    );
    expect(paintOver(paint("a", "2;32"), "7")).toBe("\x1b[7m\x1b[32;7ma\x1b[0;7m\x1b[m");
    expect(paintOver(row, "")).toBe(row);
  });

  it("never narrows a column while the list is unchanged", () => {
    const table = new Table(columns);
    table.rows([thing("a", "123456789")], 60, { title: "" });
    expect(table.rows([thing("a", "1")], 60, { title: "" }).rows[0]?.startsWith("        1")).toBe(true);
    table.reset();
    expect(table.rows([thing("a", "1")], 60, { title: "" }).rows[0]?.startsWith("   1")).toBe(true);
  });

  it.each(HOSTILE)("shows $name in cells instead of sending it, at exactly the width", ({ bytes }) => {
    const text = bytes.toString("utf8");
    for (const width of [80, 33, 5]) {
      const { rows } = new Table(columns).rows([thing(text, text, text)], width, { title: "" });
      for (const row of rows) {
        expect(plain(row)).not.toMatch(CONTROL);
        expect(textWidth(plain(row))).toBe(width);
      }
    }
  });
});
