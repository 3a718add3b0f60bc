import type { Session } from "../../../src/sessions/index.ts";
import type { Target } from "../../../src/target.ts";
import type { ConnectionOptions } from "../../targets/options.ts";
import type { Browser } from "../browser/browser.ts";
import { readConfig } from "../config.ts";
import { absolutePath, Connection } from "../connection/connection.ts";
import type { Location } from "../view/view.ts";
import type { AppOptions } from "./app.ts";

/** The location of a file that was opened directly. Loads the browser for it on first use. */
export class LazyBrowser {
  readonly location: Location;
  readonly app: AppOptions;
  readonly #abort = new AbortController();
  #browser: Browser | undefined;

  /**
   * The caller keeps ownership of the session; without one, the target connects on first use.
   * @throws PortholeError USAGE for an invalid config file
   */
  constructor(session: Session | undefined, target: Target, options: ConnectionOptions) {
    const { signal } = this.#abort;
    const connection = session
      ? Connection.with(session, target, options, signal)
      : new Connection(target, options, signal);
    this.location = { connection, path: absolutePath(target) };
    const config = readConfig();
    this.app = {
      config,
      navigator: async (host) => {
        const [{ Browser }, { BrowserNavigator }] = await Promise.all([
          import("../browser/browser.ts"),
          import("../browser/navigator.ts"),
        ]);
        this.#browser = new Browser(host, options, config);
        return new BrowserNavigator(this.#browser);
      },
    };
  }

  /** Closes the browser and its sessions. */
  close(): void {
    this.#abort.abort();
    this.location.connection.close();
    this.#browser?.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
