import { backingOf, type Mount, mountsOf } from "../../../src/files/index.ts";
import type { Theme } from "../canvas/theme.ts";
import type { Connection } from "../connection/connection.ts";
import type { ListItem } from "../lists/list.ts";
import type { Column } from "../lists/table.ts";
import type { BrowserContext } from "./common/context.ts";
import { LoadedView } from "./common/loaded-view.ts";
import { backingSentence, isLayer } from "./files/files-items.ts";

interface MountItem extends ListItem {
  mount: Mount;
}

/** Lists the mounts of a target. Enter opens the files of a mount. */
export function mountsView(browser: BrowserContext, connection: Connection): LoadedView<MountItem> {
  return new LoadedView<MountItem>(
    {
      contexts: ["mounts"],
      title: `${connection.name || "this machine"}  mounts`,
      connection,
      columns: columns(browser.theme),
      load: () =>
        connection.use(async (session) =>
          (await mountsOf(session)).map((mount) => ({
            key: String(mount.id),
            text: [mount.point, mount.type, mount.source, mount.root].join(" "),
            mount,
          })),
        ),
      open: ({ mount }, how) => browser.openFiles(connection, mount.point, undefined, how),
      remark: (item) => (item ? backingSentence(backingOf(item.mount)) : ""),
      nothing: ["no mounts"],
    },
    browser,
  );
}

function columns(theme: Theme): Column<MountItem>[] {
  return [
    { title: "MOUNT POINT", rest: true, cell: ({ mount }) => mount.point },
    { title: "TYPE", cell: ({ mount }) => mount.type, maxWidth: 16 },
    { title: "STORAGE", cell: ({ mount }) => ({ text: storageLabel(mount), style: theme.dim }), maxWidth: 24 },
    { title: "ACCESS", cell: ({ mount }) => (backingOf(mount).readOnly ? "r" : "rw") },
    { title: "SOURCE", cell: ({ mount }) => ({ text: mount.source, style: theme.dim }), maxWidth: 30, dispensable: 2 },
    {
      title: "ROOT",
      cell: ({ mount }) => ({ text: mount.root === "/" ? "" : mount.root, style: theme.dim }),
      maxWidth: 40,
      dispensable: 3,
    },
  ];
}

function storageLabel(mount: Mount): string {
  const backing = backingOf(mount);
  return backing.kind === "volume" ? `volume ${backing.volume}` : isLayer(backing) ? "layer" : backing.kind;
}
