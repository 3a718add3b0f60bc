import { parseSessionTarget } from "../../src/target.ts";
import { parseNamed } from "../targets/local-file.ts";
import type { ConnectionOptions } from "../targets/options.ts";
import { checkZone } from "../targets/zone.ts";
import { App } from "../tui/app/app.ts";
import { requireTerminal } from "../tui/app/terminal/require-terminal.ts";
import { Browser } from "../tui/browser/browser.ts";
import { ContainersView } from "../tui/browser/containers/containers-view.ts";
import { FilesView } from "../tui/browser/files/files-view.ts";
import { BrowserNavigator } from "../tui/browser/navigator.ts";
import { readConfig } from "../tui/config.ts";
import { absolutePath } from "../tui/connection/connection.ts";
import type { Host } from "../tui/view/view.ts";

/**
 * `porthole` and `porthole browse`: shows the containers, or the files of one target, on the
 * terminal.
 */
export async function browse(text: string | undefined, options: ConnectionOptions): Promise<number> {
  requireTerminal("the screen", "use porthole ls, cat or tail; porthole --help lists every command");
  await checkZone(options);
  const target = text === undefined ? undefined : /[:/]/.test(text) ? parseNamed(text) : parseSessionTarget(text);
  const config = readConfig();
  let browser: Browser | undefined;
  try {
    const make = (host: Host) => {
      browser ??= new Browser(host, options, config);
      return browser;
    };
    return await new App({ config, navigator: async (host) => new BrowserNavigator(make(host)) }).run((host) => {
      const browser = make(host);
      if (target === undefined) return new ContainersView(browser);
      return new FilesView(browser, browser.connection(target), absolutePath(target));
    });
  } finally {
    browser?.close();
  }
}
