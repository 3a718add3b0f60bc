import type { Sandbox } from "../../src/sessions/index.ts";
import { LazyBrowser } from "../tui/app/lazy-browser.ts";
import { openScreen } from "../tui/app/open.ts";
import { mergedView } from "../tui/browser/merged-view.ts";

const HINT = "X hides a source  . files  O open files  / search  ? keys";

/** Follows the logs of the demo's services in one text. */
export async function openDemo({ session, log, logs }: Sandbox): Promise<number> {
  const around = new LazyBrowser(session, { kind: "container", name: "sandbox", path: log }, {});
  const { location } = around;
  const chosen = logs.map((path) => ({ connection: location.connection, path }));
  try {
    return await openScreen({ ...mergedView(chosen), location }, around.app, HINT);
  } finally {
    around.close();
  }
}
