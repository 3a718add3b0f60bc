import type { Host } from "../view/view.ts";
import { ViewerView } from "../viewer/viewer-view.ts";
import type { ViewerViewOptions } from "../viewer/viewer-view-options.ts";
import { App, type AppOptions } from "./app.ts";

/**
 * Shows one file on the terminal until the user quits or a signal ends it: see {@link App.run}. The
 * caller checks the terminal first (requireTerminal). `hint` is shown until the first key.
 * @throws the errors of reading the file
 */
export async function openScreen(
  options: ViewerViewOptions,
  app: AppOptions,
  hint?: (host: Host) => string,
): Promise<number> {
  return new App(app).run((host) => {
    if (hint !== undefined) host.say(hint(host));
    return new ViewerView(options, host);
  });
}
