import { failureLine } from "../connection/failure-lines.ts";
import { ViewerView } from "../viewer/viewer-view.ts";
import type { BrowserContext } from "./common/context.ts";
import { type FollowEntry, isOutput } from "./merged/merged-follow.ts";
import { mergedView } from "./merged/merged-view.ts";
import { viewFile } from "./open-file.ts";

/**
 * Follows a file or a container's output in the viewer, or several of them merged. Shows failures
 * as a message.
 */
export async function followView(browser: BrowserContext, chosen: readonly FollowEntry[]): Promise<void> {
  const { host } = browser;
  const [first] = chosen;
  if (first === undefined) return;
  if (chosen.length > 1) {
    host.open(new ViewerView(mergedView(chosen), host));
    return;
  }
  const { connection, path } = first;
  if (isOutput(path)) return browser.openOutput(connection, path);
  try {
    const file = await connection.use((session) => session.open(path));
    host.open(
      await viewFile(connection, file, { title: connection.text(path), path, startAtEnd: true, follow: true }, host),
    );
  } catch (error) {
    host.say(failureLine(error));
  }
}
