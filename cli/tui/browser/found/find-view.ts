import { DT_DIR } from "../../../../src/descriptors/index.ts";
import { nameOf, walk } from "../../../../src/files/index.ts";
import { byText } from "../../../ls/order.ts";
import type { Connection } from "../../connection/connection.ts";
import type { ListItem } from "../../lists/list.ts";
import { naturalKey } from "../../lists/natural-order.ts";
import type { BrowserContext } from "../common/context.ts";
import { LoadedView } from "../common/loaded-view.ts";

interface FoundItem extends ListItem {
  path: string;
  type: number;
}

/** Maximum number of results. */
const MAX_ITEMS = 20_000;

/** Lists files below a directory by name, as they are found. Skips file systems of the kernel. */
export function findView(
  browser: BrowserContext,
  connection: Connection,
  directory: string,
  text: string,
  test: (name: string) => boolean,
): LoadedView<FoundItem> {
  const base = directory === "/" ? "/" : `${directory}/`;
  return new LoadedView<FoundItem>(
    {
      contexts: ["found"],
      title: `${connection.text(directory)}  find ${text}`,
      connection,
      isSearch: true,
      columns: [
        {
          title: "PATH",
          rest: true,
          cell: ({ path, type }) => {
            const inside = path.startsWith(base) ? path.slice(base.length) : path;
            const name = nameOf(inside);
            return [
              { text: inside.slice(0, inside.length - name.length), style: browser.theme.dim },
              { text: name + (type === DT_DIR ? "/" : "") },
            ];
          },
        },
      ],
      load: (some, signal) =>
        connection.use(async (session) => {
          const items: FoundItem[] = [];
          const enter = ({ path }: { path: string }) =>
            !signal.aborted && !(directory === "/" && /^\/(proc|sys)$/.test(path));
          for await (const { path, name, type, depth } of walk(session, directory, {
            enter,
            failed: () => undefined,
          })) {
            if (signal.aborted || items.length >= MAX_ITEMS) break;
            if (depth > 0 && test(name)) items.push({ key: path, text: path, path, type });
            await some(items);
          }
          return byText(items, ({ path }) => naturalKey(path));
        }),
      open: ({ path, type }, how) => {
        const directory = (to: string) => browser.openFiles(connection, to, undefined, how);
        if (type === DT_DIR) directory(path);
        else void browser.openPath(connection, path, { directory }, how);
      },
      act: (action, item) => {
        if (action !== "show-in-files" || !item) return false;
        browser.openFiles(connection, item.path.replace(/\/[^/]*$/, "") || "/", nameOf(item.path));
        return true;
      },
      remark: () => "",
      summary: (items) => (items.length >= MAX_ITEMS ? "only the first" : ""),
      nothing: [`no name below ${directory} matches '${text}'`],
    },
    browser,
  );
}
