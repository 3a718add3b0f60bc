import type { Sandbox } from "../../src/sessions/index.ts";
import { LazyBrowser } from "../tui/app/lazy-browser.ts";
import { openScreen } from "../tui/app/open.ts";
import { mergedView } from "../tui/browser/merged/merged-view.ts";

/** The first keys to try. */
const HINTS = [
  ["merged", "mute", "hides a source"],
  ["global", "files-here", "files"],
  ["global", "open-files", "open files"],
  ["viewer", "search", "search"],
  ["global", "help", "keys"],
] as const;

/** Follows the logs of the demo's services in one text. */
export async function openDemo({ session, log, logs }: Sandbox): Promise<number> {
  using around = new LazyBrowser(session, { kind: "container", name: "sandbox", path: log }, {});
  const { location } = around;
  const chosen = logs.map((path) => ({ connection: location.connection, path }));
  return await openScreen({ ...mergedView(chosen), location }, around.app, (host) =>
    HINTS.map(([context, action, text]) => `${host.keyOf(context, action)} ${text}`).join("  "),
  );
}
