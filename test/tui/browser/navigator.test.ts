import { expect, it } from "vitest";
import type { BrowserContext } from "../../../cli/tui/browser/common/context.ts";
import { BrowserNavigator } from "../../../cli/tui/browser/navigator.ts";
import type { Action, Context } from "../../../cli/tui/keymap/keymap.ts";
import type { View } from "../../../cli/tui/view/view.ts";
import { connectionOf } from "./connection-of.ts";

it.each<[Action, Context]>([
  ["containers", "containers"],
  ["open-files", "files-open"],
  ["mounts", "mounts"],
])("opens no second view when '%s' is repeated in its own view", (action, context) => {
  const opened: string[] = [];
  const below: View[] = [];
  const browser = {
    host: { backTo: (isWanted: (view: View) => boolean) => below.some(isWanted) },
    openProcesses: () => opened.push("open-files"),
    openMounts: () => opened.push("mounts"),
  } as unknown as BrowserContext;
  const navigator = new BrowserNavigator(browser);
  const location = { place: connectionOf({}), path: "/" };
  const view = (own: Context) => ({ contexts: [own, "list"], location }) as unknown as View;
  below.push(view("files"), view(context));
  expect(navigator.go(action, view(context))).toBe(true);
  expect(opened).toEqual([]);
  // This includes a view above it: the views between are closed.
  expect(navigator.go(action, view("viewer"))).toBe(true);
  expect(opened).toEqual([]);
  if (action === "containers") return;
  below.pop();
  navigator.go(action, view("files"));
  expect(opened).toEqual([action]);
});
