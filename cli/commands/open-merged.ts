import { PortholeError } from "../../src/errors.ts";
import { type Target, targetName } from "../../src/target.ts";
import type { ConnectionOptions } from "../targets/options.ts";
import { SessionPool } from "../targets/session-pool.ts";
import { LazyBrowser } from "../tui/app/lazy-browser.ts";
import { openScreen } from "../tui/app/open.ts";
import { requireTerminal } from "../tui/app/require-terminal.ts";
import { absolutePath, Connection, checkZone } from "../tui/browser/connection.ts";
import type { FollowEntry } from "../tui/browser/merged-follow.ts";
import { mergedView } from "../tui/browser/merged-view.ts";
import type { ViewerStart } from "../tui/viewer/start-position.ts";

/**
 * `porthole open --merge`: follows files and outputs of containers in one text, ordered by time. A
 * pattern selects the containers and files that match at the start.
 */
export async function openMerged(
  texts: readonly string[],
  starts: readonly Partial<ViewerStart>[],
  options: ConnectionOptions & { follow?: boolean; hex?: boolean },
): Promise<number> {
  requireTerminal("open", `porthole tail --merge -F ${texts.join(" ")}`);
  await checkZone(options);
  const targets = await expanded(texts, options);
  const [first] = targets;
  if (first === undefined || targets.length === 1)
    throw new PortholeError("USAGE", "--merge needs several targets", { hint: "leave out --merge" });
  const around = new LazyBrowser(undefined, first, options);
  const abort = new AbortController();
  const connections = new Map<string, Connection>();
  const entry = (target: Target): FollowEntry => {
    const name = targetName(target);
    // The user may add files of the same container to its output.
    const files: Target = target.kind === "output" ? { kind: "container", name: target.name, path: "/" } : target;
    const connection = connections.get(name) ?? new Connection(files, options, abort.signal);
    connections.set(name, connection);
    return { connection, path: absolutePath(target) };
  };
  try {
    const start = Object.assign({}, ...starts);
    const isFollowed = starts.length === 0 || options.follow === true || start.follow === true;
    return await openScreen(
      { ...mergedView(targets.map(entry)), ...start, follow: isFollowed, hex: options.hex },
      around.app,
    );
  } finally {
    abort.abort();
    for (const connection of connections.values()) connection.close();
    around.close();
  }
}

/** Expands patterns to the containers and files that match now. */
async function expanded(texts: readonly string[], options: ConnectionOptions): Promise<Target[]> {
  const sessions = new SessionPool(options);
  try {
    return (await sessions.expand(texts)).map(({ target }) => target);
  } finally {
    sessions.close();
  }
}
