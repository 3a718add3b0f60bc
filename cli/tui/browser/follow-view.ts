import type { Browser } from "./browser.ts";
import { viewFile } from "./open-file.ts";
import type { Place } from "./place.ts";

/** Follows files in the viewer. */
export async function followView(browser: Browser, chosen: readonly { place: Place; path: string }[]): Promise<void> {
  const [first] = chosen;
  if (!first) return;
  const { place, path } = first;
  const file = await place.use((session) => session.open(path));
  browser.host.open(
    viewFile(place, file, { title: place.text(path), path, startAtEnd: true, follow: true }, browser.host),
  );
}
