import { ViewerView } from "../viewer/viewer-view.ts";
import type { BrowserContext } from "./context.ts";
import { failureLine } from "./failure-lines.ts";
import { type FollowEntry, isOutput, MergedFollow } from "./merged-follow.ts";
import { viewFile } from "./open-file.ts";

/**
 * Follows a file or a container's output in the viewer, or several merged. Failures are shown as a
 * message.
 */
export async function followView(browser: BrowserContext, chosen: readonly FollowEntry[]): Promise<void> {
  const { host } = browser;
  const [first] = chosen;
  if (first === undefined) return;
  if (chosen.length > 1) {
    const title = chosen.map(({ connection, path }) => connection.text(path)).join("  ");
    const file = new MergedFollow(chosen);
    const hasOutput = chosen.some(({ path }) => isOutput(path));
    const subtitle = `${chosen.length} ${hasOutput ? "sources" : "files"} merged by time`;
    // Only a file needs an agent, which reads the zone.
    const zoned = chosen.find(({ path }) => !isOutput(path));
    const zone = zoned && (() => zoned.connection.zone());
    const { sources } = file;
    host.open(new ViewerView({ file, title, subtitle, zone, sources, startAtEnd: true, follow: true }, host));
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
