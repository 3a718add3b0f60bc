import { expect, it } from "vitest";
import { Tabs } from "../../cli/tui/app/drawing/tabs.ts";
import type { View } from "../../cli/tui/view/view.ts";

const view = (title: string): View => ({
  title,
  subtitle: "",
  contexts: [],
  act: () => false,
  frame: () => ({ rows: [], status: { mark: "", left: "", right: "" } }),
  close: async () => undefined,
});

it("each tab has a stack of views, and a new tab opens next to the shown tab", () => {
  const tabs = new Tabs();
  const [a, b, c, d] = ["a", "b", "c", "d"].map(view) as [View, View, View, View];
  tabs.push(a);
  tabs.push(b);
  expect([tabs.view, tabs.depth, tabs.count]).toEqual([b, 2, 1]);
  tabs.add(c);
  expect([tabs.titles, tabs.at]).toEqual([["b", "c"], 1]);
  tabs.turn(1);
  tabs.add(d);
  expect(tabs.titles).toEqual(["b", "d", "c"]);
  tabs.turn(-1);
  expect(tabs.view).toBe(b);
  expect([tabs.show(2), tabs.view, tabs.show(3)]).toEqual([true, c, false]);
  expect([...tabs]).toEqual([a, b, d, c]);
});

it("a tab is closed with its last view, except the last tab", () => {
  const tabs = new Tabs();
  tabs.push(view("a"));
  expect(tabs.close()).toBeUndefined();
  tabs.add(view("b"));
  tabs.push(view("c"));
  expect(tabs.pop()?.title).toBe("c");
  expect(tabs.pop()?.title).toBe("b");
  expect([tabs.count, tabs.view?.title]).toEqual([1, "a"]);
  tabs.add(view("d"));
  expect(tabs.close()?.map(({ title }) => title)).toEqual(["d"]);
  expect(tabs.pop()?.title).toBe("a");
  expect(tabs.view).toBeUndefined();
});

it("a tab goes back to the last matching view, and is unchanged without a match", () => {
  const tabs = new Tabs();
  for (const title of ["list", "a", "list", "b", "c"]) tabs.push(view(title));
  expect(tabs.popTo(({ title }) => title === "none")).toBeUndefined();
  expect(tabs.depth).toBe(5);
  expect(tabs.popTo(({ title }) => title === "list")?.map(({ title }) => title)).toEqual(["b", "c"]);
  expect([tabs.view?.title, tabs.depth]).toEqual(["list", 3]);
  expect(tabs.popTo(({ title }) => title === "list")).toEqual([]);
});
