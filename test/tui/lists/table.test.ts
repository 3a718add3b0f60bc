import { beforeAll, describe, expect, it } from "vitest";
import { textWidth } from "../../../cli/tui/canvas/text-width.ts";
import { type Column, Table } from "../../../cli/tui/lists/table.ts";
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
  { title: "NOTE", cell: ({ note }) => ({ text: note, style: "2" }), most: 10, dispensable: 2 },
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
    expect(rows.map(({ plain }) => plain.trimEnd())).toEqual(["12345  n           a ->", "    7  a note th…  bb ->"]);
    expect(rows.map(({ text }) => plain(text))).toEqual(rows.map(({ plain }) => plain));
    expect(rows[0]?.text).toContain("\x1b[1;36ma\x1b[m");
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
      expect(textWidth(rows[0]?.plain ?? "")).toBe(width);
    }
  });

  it("never narrows a column while the list is unchanged", () => {
    const table = new Table(columns);
    table.rows([thing("a", "123456789")], 60, { title: "" });
    expect(table.rows([thing("a", "1")], 60, { title: "" }).rows[0]?.plain.startsWith("        1")).toBe(true);
    table.reset();
    expect(table.rows([thing("a", "1")], 60, { title: "" }).rows[0]?.plain.startsWith("   1")).toBe(true);
  });

  it.each(HOSTILE)("shows $name in cells instead of sending it, at exactly the width", ({ bytes }) => {
    const text = bytes.toString("utf8");
    for (const width of [80, 33, 5]) {
      const { rows } = new Table(columns).rows([thing(text, text, text)], width, { title: "" });
      for (const row of rows) {
        expect(row.plain).not.toMatch(CONTROL);
        expect(plain(row.text)).toBe(row.plain);
        expect(textWidth(row.plain)).toBe(width);
      }
    }
  });
});
