import { expect, it } from "vitest";
import type { BrowserContext } from "../../../cli/tui/browser/common/context.ts";
import { LoadedView } from "../../../cli/tui/browser/common/loaded-view.ts";
import { DEFAULT_THEME } from "../../../cli/tui/canvas/theme.ts";
import type { ListItem } from "../../../cli/tui/lists/list.ts";

const item = (key: string): ListItem => ({ key, text: key });

/** Makes a view whose items arrive one by one, when the test provides them. */
function begun() {
  const host = { changed: () => undefined, keyOf: () => "Esc", say: () => undefined };
  const browser = { host, theme: DEFAULT_THEME } as unknown as BrowserContext;
  let finish: (items: ListItem[]) => void = () => undefined;
  const view = new LoadedView<ListItem>(
    {
      contexts: ["found"],
      title: "found",
      columns: [{ title: "PATH", rest: true, cell: ({ text }) => [{ text }] }],
      load: async (some) => {
        await some([item("a"), item("b")]);
        return new Promise((resolve) => {
          finish = resolve;
        });
      },
      open: () => undefined,
      remark: (selected) => selected?.text ?? "",
      nothing: [],
    },
    browser,
  );
  const selected = () => view.frame({ columns: 80, height: 10 }).status.left;
  return { view, selected, finish: (keys: string) => finish([...keys].map(item)) };
}

it("stays at the last item while a list is loaded, until another key", async () => {
  const { view, selected, finish } = begun();
  await expect.poll(selected).toBe("a");
  view.act("last-item");
  expect(selected()).toBe("b");
  await expect
    .poll(() => {
      finish("abcd");
      return selected();
    })
    .toBe("d");
  await view.close();
});

it("keeps the selected item of a loading list after any other key", async () => {
  const { view, selected, finish } = begun();
  await expect.poll(selected).toBe("a");
  view.act("last-item");
  view.act("item-up");
  await expect
    .poll(() => {
      finish("abcd");
      return view.frame({ columns: 80, height: 10 }).status.right;
    })
    .toBe("1 of 4");
  expect(selected()).toBe("a");
  await view.close();
});

it("says why a list could not be read, and which keys retry and go back", async () => {
  const keyOf = (_: string, action: string) => `<${action}>`;
  const host = { changed: () => undefined, keyOf, say: () => undefined };
  const view = new LoadedView<ListItem>(
    {
      ...{ contexts: ["found"], title: "found", columns: [], open: () => undefined, remark: () => "", nothing: [] },
      load: () => Promise.reject(new Error("permission denied")),
    },
    { host, theme: DEFAULT_THEME } as unknown as BrowserContext,
  );
  const rows = () => view.frame({ columns: 80, height: 10 }).rows.map((row) => row.replace(/\x1b\[\d*m/g, "").trim());
  await expect
    .poll(rows)
    .toEqual(expect.arrayContaining(["permission denied", "<refresh> retries", "<back> goes back"]));
  await view.close();
});
