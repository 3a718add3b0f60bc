import { type NamespaceSandbox, namespaceSandboxes } from "../../../src/engines/index.ts";
import type { ListItem } from "../lists/list.ts";
import type { BrowserContext } from "./common/context.ts";
import { LoadedView } from "./common/loaded-view.ts";

interface SandboxItem extends ListItem {
  sandbox: NamespaceSandbox;
}

/**
 * Lists namespaces of processes outside of containers. `known` are the first processes of all
 * containers.
 */
export function sandboxesView(browser: BrowserContext, known: readonly number[]): LoadedView<SandboxItem> {
  const { theme } = browser;
  return new LoadedView<SandboxItem>(
    {
      contexts: ["sandboxes"],
      title: "Sandboxes",
      columns: [
        { title: "PID", align: "right", cell: ({ sandbox }) => ({ text: String(sandbox.pid), style: "1" }) },
        { title: "UID", align: "right", cell: ({ sandbox }) => String(sandbox.uid), dispensable: 1 },
        { title: "PROCESSES", align: "right", cell: ({ sandbox }) => String(sandbox.processes), dispensable: 3 },
        {
          title: "NAMESPACES",
          cell: ({ sandbox }) => ({ text: sandbox.apart.join(" "), style: theme.dim }),
          dispensable: 2,
        },
        { title: "COMMAND", rest: true, cell: ({ sandbox }) => sandbox.command },
      ],
      load: async () =>
        namespaceSandboxes(known).map((sandbox) => ({
          key: String(sandbox.pid),
          text: `${sandbox.pid} ${sandbox.command}`,
          sandbox,
        })),
      open: ({ sandbox }, how) =>
        browser.openFiles(browser.connection({ kind: "process", pid: sandbox.pid, path: "/" }), "/", undefined, how),
      act: (action, item) => {
        if (!item || (action !== "open-files" && action !== "mounts")) return false;
        const connection = browser.connection({ kind: "process", pid: item.sandbox.pid, path: "/" });
        if (action === "mounts") browser.openMounts(connection);
        else browser.openProcesses(connection);
        return true;
      },
      remark: ({ sandbox } = {} as SandboxItem) =>
        sandbox ? `porthole ls pid:${sandbox.pid}:/  the same on the command line` : "",
      nothing: [
        "no process here has a mount namespace of its own that this user may enter",
        "sandboxes of bubblewrap, unshare, systemd and the like appear here",
      ],
    },
    browser,
  );
}
