import { ViewerView } from "../viewer/viewer-view.ts";
import type { BrowserContext } from "./context.ts";
import { failureLine } from "./failure-lines.ts";
import { type FollowEntry, MergedFollow } from "./merged-follow.ts";
import { viewFile } from "./open-file.ts";

/** Follows one file in the viewer, or several merged. Failures are shown as a message. */
export async function followView(browser: BrowserContext, chosen: readonly FollowEntry[]): Promise<void> {
  const { host } = browser;
  const [first] = chosen;
  if (first === undefined) return;
  if (chosen.length > 1) {
    const title = chosen.map(({ place, path }) => place.text(path)).join("  ");
    const file = new MergedFollow(chosen);
    const subtitle = `${chosen.length} files merged by time`;
    const zone = () => first.place.zone();
    const { sources } = file;
    host.open(new ViewerView({ file, title, subtitle, zone, sources, startAtEnd: true, follow: true }, host));
    return;
  }
  const { place, path } = first;
  try {
    const file = await place.use((session) => session.open(path));
    host.open(await viewFile(place, file, { title: place.text(path), path, startAtEnd: true, follow: true }, host));
  } catch (error) {
    host.say(failureLine(error));
  }
}
