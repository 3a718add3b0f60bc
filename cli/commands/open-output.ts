import type { Target } from "../../src/target.ts";
import { LazyBrowser } from "../tui/app/lazy-browser.ts";
import { openScreen } from "../tui/app/open.ts";
import { outputViewer } from "../tui/viewer/output-viewer.ts";
import type { ViewerStart } from "../tui/viewer/positions/start-position.ts";
import type { ShowOptions } from "./open-options.ts";

/** Opens a container's own output. Follows it unless a start position is given. */
export async function openOutput(
  text: string,
  target: Target & { kind: "output" },
  starts: readonly Partial<ViewerStart>[],
  options: ShowOptions,
): Promise<number> {
  const isFollowed = starts.length === 0 || options.follow === true;
  const start: ViewerStart = Object.assign({ startAtEnd: isFollowed, follow: isFollowed }, ...starts);
  using around = new LazyBrowser(undefined, { kind: "container", name: target.name, path: "/" }, options);
  const shown = await outputViewer(target, options.engine);
  const { location } = around;
  return await openScreen({ title: text, location, ...shown, ...start, hex: options.hex }, around.app);
}
