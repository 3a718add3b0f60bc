import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { List, type ListItem } from "../../../cli/tui/lists/list.ts";

const items = (...names: string[]): ListItem[] =>
  names.map((name) =>
    name.startsWith("#") ? { key: name, text: name, heading: true } : { key: name, text: name.replaceAll("_", " ") },
  );

function list(...names: string[]): List<ListItem> {
  const made = new List<ListItem>();
  made.setItems(items(...names));
  return made;
}

describe("List", () => {
  it("skips headings, and stops at both ends", () => {
    const one = list("#a", "x", "#b", "y", "z");
    expect(one.selected?.key).toBe("x");
    one.move(1);
    expect(one.selected?.key).toBe("y");
    one.move(-5);
    expect(one.selected?.key).toBe("x");
    one.move(100);
    expect(one.selected?.key).toBe("z");
    one.toStart();
    expect(one.selected?.key).toBe("x");
    one.toEnd();
    expect(one.counts).toEqual({ all: 3, shown: 3, at: 3 });
  });

  it("keeps the selected item when items change, or selects its successor", () => {
    const one = list("a", "b", "c");
    one.select("b");
    one.setItems(items("0", "a", "b", "c"));
    expect(one.selected?.key).toBe("b");
    one.setItems(items("0", "a", "c"));
    expect(one.selected?.key).toBe("c");
    one.setItems([]);
    expect(one.selected).toBeUndefined();
    one.setItems(items("#h"));
    expect(one.selected).toBeUndefined();
  });

  it("filters by every word without regard to case, keeps headings of the remaining items, and can be reset", () => {
    const one = list("#shop", "Web_front", "db", "#rest", "web_admin");
    one.setFilter("WEB");
    expect(one.shown.map(({ key }) => key)).toEqual(["#shop", "Web_front", "#rest", "web_admin"]);
    one.setFilter("web adm");
    expect(one.shown.map(({ key }) => key)).toEqual(["#rest", "web_admin"]);
    expect(one.selected?.key).toBe("web_admin");
    one.setFilter("nothing");
    expect(one.selected).toBeUndefined();
    one.setFilter("");
    expect(one.counts).toMatchObject({ all: 3, shown: 3 });
  });

  it("keeps the selected item in a filtered list when it changes, until another item is selected", () => {
    const one = new List<ListItem>();
    const states = (b: string) =>
      one.setItems([
        { key: "a", text: "a running" },
        { key: "b", text: `b ${b}` },
        { key: "c", text: "c running" },
      ]);
    states("running");
    one.setFilter("running");
    one.select("b");
    states("restarting");
    states("exited");
    expect([one.selected?.key, one.shown.length]).toEqual(["b", 3]);
    one.move(1);
    states("exited");
    expect([one.selected?.key, one.shown.map(({ key }) => key)]).toEqual(["c", ["a", "c"]]);
    states("running");
    one.select("b");
    one.setFilter("c");
    expect(one.selected?.key).toBe("c");
  });

  describe("folds", () => {
    const folding = () => {
      const one = new List<ListItem>();
      const item = (key: string, within: string) => ({ key, text: key, within });
      const heading = (key: string) => ({ key, text: key, heading: true });
      one.setItems([
        heading("A"),
        item("a1", "A"),
        item("a2", "A"),
        heading("B"),
        item("b1", "B"),
        { key: "c", text: "c" },
      ]);
      return one;
    };
    const shown = (of: List<ListItem>) => of.shown.map(({ key }) => key).join(" ");

    it("the heading of the selected item, which is selected instead of its items", () => {
      const one = folding();
      one.select("a2");
      expect(one.toggleFold()).toBe(true);
      expect([shown(one), one.selected?.key, one.counts.at]).toEqual(["A B b1 c", "A", 0]);
      one.move(1);
      expect(one.selected?.key).toBe("b1");
      one.move(-1);
      expect(one.selected?.key).toBe("A");
      one.toggleFold();
      expect([shown(one), one.selected?.key]).toEqual(["A a1 a2 B b1 c", "a1"]);
    });

    it("all headings, and unfolds them if all are folded", () => {
      const one = folding();
      one.select("b1");
      one.toggleAllFolds();
      expect([shown(one), one.selected?.key]).toEqual(["A B c", "B"]);
      one.toggleAllFolds();
      expect([shown(one), one.selected?.key]).toEqual(["A a1 a2 B b1 c", "b1"]);
      one.select("a1");
      one.toggleFold();
      one.toggleAllFolds();
      expect(shown(one)).toBe("A B c");
    });

    it("no items that match a filter", () => {
      const one = folding();
      one.toggleFold();
      one.setFilter("a2");
      expect([shown(one), one.selected?.key]).toEqual(["A a2", "a2"]);
      expect([one.toggleFold(), one.toggleAllFolds()]).toEqual([false, false]);
      one.setFilter("");
      expect(shown(one)).toBe("A B b1 c");
    });

    it("no items without a heading", () => {
      const one = folding();
      one.select("c");
      expect(one.toggleFold()).toBe(false);
      expect(list("#a", "x").toggleAllFolds()).toBe(false);
    });
  });

  it("selects by the row of the screen, but never a heading or an empty row", () => {
    const one = list("#a", "x", "y");
    one.window(3);
    expect([one.selectRow(0), one.selectRow(2), one.selectRow(3), one.selectRow(-1)]).toEqual([
      false,
      true,
      false,
      false,
    ]);
    expect(one.selected?.key).toBe("y");
  });

  it("always shows the selected item in the available rows", () => {
    const step = fc.oneof(
      fc.integer({ min: -30, max: 30 }).map((by) => (of: List<ListItem>) => of.move(by)),
      fc.constantFrom(-1, 0.5, 1).map((pages) => (of: List<ListItem>) => of.movePage(pages)),
      fc.constantFrom("toStart" as const, "toEnd" as const).map((to) => (of: List<ListItem>) => of[to]()),
      fc.constantFrom("", "1", "2 1", "#").map((filter) => (of: List<ListItem>) => of.setFilter(filter)),
      fc
        .uniqueArray(fc.integer({ min: 0, max: 60 }).map((n) => (n % 7 === 0 ? `#${n}` : String(n))))
        .map((names) => (of: List<ListItem>) => of.setItems(items(...names))),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), fc.integer({ min: 1, max: 12 }), (steps, height) => {
        const one = list(...Array.from({ length: 40 }, (_, i) => (i % 9 === 0 ? `#${i}` : String(i))));
        for (const change of steps) {
          change(one);
          const seen = one.window(height);
          expect(seen.items.length).toBe(Math.min(height, one.shown.length));
          if (one.selected) expect(seen.items[seen.selected]).toBe(one.selected);
          else expect(one.shown.every(({ heading }) => heading)).toBe(true);
        }
      }),
    );
  });
});
