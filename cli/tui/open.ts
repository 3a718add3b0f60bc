import { PortholeError } from "../../src/index.ts";
import { App, type AppOptions } from "./app.ts";
import { type ViewerOptions, ViewerView } from "./viewer-view.ts";

/**
 * Shows one file on the terminal until the user quits or a signal ends it: see {@link App.run}. `hint` stands in the status row until the first key.
 * @throws PortholeError USAGE without a terminal; whatever reading the file throws
 */
export async function openScreen(options: ViewerOptions, app: AppOptions, hint?: string): Promise<number> {
  if (!process.stdin.isTTY || !process.stdout.isTTY)
    throw new PortholeError("USAGE", "the screen needs a terminal for its input and output", {
      hint: "porthole cat and porthole tail write to anything",
    });
  return new App(app).run((host) => {
    if (hint !== undefined) host.say(hint);
    return new ViewerView(options, host);
  });
}
