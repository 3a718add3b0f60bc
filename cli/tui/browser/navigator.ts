import { engineAddress, listEvery } from "../../../src/engines/index.ts";
import { nameOf } from "../../../src/files/index.ts";
import { parseTarget } from "../../../src/target.ts";
import { targetCandidates } from "../../completion/targets.ts";
import { absolutePath } from "../connection/connection.ts";
import { failureLine } from "../connection/failure-lines.ts";
import type { Action, Context } from "../keymap/keymap.ts";
import type { KnownContainer, Navigator, RecentFile, View } from "../view/view.ts";
import type { BrowserContext, OpenMode } from "./common/context.ts";
import { ContainersView } from "./containers/containers-view.ts";

/** The context of the view that an action opens. */
const CONTEXT_OF: Readonly<Partial<Record<Action, Context>>> = {
  containers: "containers",
  "open-files": "files-open",
  mounts: "mounts",
};

/** Implements the keys and commands that open other views. */
export class BrowserNavigator implements Navigator {
  readonly #browser: BrowserContext;

  constructor(browser: BrowserContext) {
    this.#browser = browser;
  }

  go(action: Action, from: View | undefined): boolean {
    const browser = this.#browser;
    const context = CONTEXT_OF[action];
    // Returns to an open view of this kind: each additional view would need another `q` to close.
    const isWanted = ({ contexts, location }: View) =>
      context !== undefined &&
      contexts.includes(context) &&
      (action === "containers" || location?.connection === from?.location?.connection);
    if (browser.host.backTo(isWanted)) return true;
    if (action === "containers") {
      browser.host.open(new ContainersView(browser));
      return true;
    }
    if (action !== "files-here" && action !== "open-files" && action !== "mounts" && action !== "rotated") return false;
    const location = from?.location;
    if (!location) browser.host.say("no container here: choose one first");
    else if (action === "rotated") void browser.openRotated(location.connection, location.path);
    else if (action === "open-files") browser.openProcesses(location.connection);
    else if (action === "mounts") browser.openMounts(location.connection);
    else browser.openFiles(location.connection, location.path.replace(/\/[^/]*\/*$/, "") || "/", nameOf(location.path));
    return true;
  }

  command(name: string, argument: string): void {
    void this.#open(argument, name === "tabopen" ? "tab" : "over");
  }

  async complete(name: string, argument: string): Promise<readonly string[]> {
    if (name === "tab") return [];
    const { engine } = this.#browser.options;
    const candidates = await targetCandidates(argument, { session: false, engine });
    return (candidates ?? []).map(({ value }) => value).filter((value) => value.startsWith(argument));
  }

  reopen({ title, location: { connection, path } }: RecentFile): void {
    // A file's path is never `/`, so this is the output of a container.
    if (path === "/") void this.#open(title, "over");
    else void this.#browser.openPath(connection, path, { directory: () => this.#browser.openFiles(connection, path) });
  }

  async containers(): Promise<readonly KnownContainer[]> {
    const { options } = this.#browser;
    const listed = await listEvery({ engine: options.engine });
    return listed.map(({ name, image, status, state, engine }) => ({
      name,
      detail: `container  ${image}  ${status || state}`,
      open: () => {
        const connection = this.#browser.connection({ kind: "container", name, path: "/" }, engineAddress(engine));
        this.#browser.openFiles(connection, "/");
      },
    }));
  }

  async #open(text: string, how: OpenMode): Promise<void> {
    try {
      const target = parseTarget(/[:/]/.test(text) ? text : `${text}:/`);
      if (target.kind === "output") {
        const container = this.#browser.connection({ kind: "container", name: target.name, path: "/" });
        return await this.#browser.openOutput(container, target.path, how);
      }
      const connection = this.#browser.connection(target);
      const directory = (path: string) => this.#browser.openFiles(connection, path, undefined, how);
      await this.#browser.openPath(connection, absolutePath(target), { directory }, how);
    } catch (error) {
      this.#browser.host.say(failureLine(error));
    }
  }
}
