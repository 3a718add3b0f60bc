import { PortholeError } from "../../src/errors.ts";
import { type Target, targetName } from "../../src/target.ts";
import { LaterMatches } from "../tail/later-matches.ts";
import type { ConnectionOptions } from "../targets/options.ts";
import { SessionPool } from "../targets/session-pool.ts";
import { checkZone } from "../targets/zone.ts";
import { LazyBrowser } from "../tui/app/lazy-browser.ts";
import { openScreen } from "../tui/app/open.ts";
import { requireTerminal } from "../tui/app/terminal/require-terminal.ts";
import type { FollowEntry, LaterEntries } from "../tui/browser/merged/merged-follow.ts";
import { mergedView } from "../tui/browser/merged/merged-view.ts";
import { absolutePath, Connection } from "../tui/connection/connection.ts";
import { failureLine } from "../tui/connection/failure-lines.ts";
import type { ViewerStart } from "../tui/viewer/positions/start-position.ts";

/**
 * `porthole open --merge`: follows files and outputs of containers in one text, ordered by time.
 * Containers and files that match a pattern later join.
 */
export async function openMerged(
  texts: readonly string[],
  starts: readonly Partial<ViewerStart>[],
  options: ConnectionOptions & { follow?: boolean; hex?: boolean },
): Promise<number> {
  requireTerminal("open", `porthole tail --merge -F ${texts.join(" ")}`);
  await checkZone(options);
  const abort = new AbortController();
  const connections = new Map<string, Connection>();
  const entryOf = (target: Target): FollowEntry => {
    const name = targetName(target);
    // The user may add files of the same container to its output.
    const files: Target = target.kind === "output" ? { kind: "container", name: target.name, path: "/" } : target;
    const connection = connections.get(name) ?? new Connection(files, options, abort.signal);
    connections.set(name, connection);
    return { connection, path: absolutePath(target) };
  };
  const { targets, later } = await matching(texts, options, entryOf);
  if (later === undefined && targets.length < 2)
    throw new PortholeError("USAGE", "--merge needs several targets", { hint: "leave out --merge" });
  const around = new LazyBrowser(undefined, targets[0] ?? { kind: "local", path: "." }, options);
  try {
    const start = Object.assign({}, ...starts);
    const isFollowed = starts.length === 0 || options.follow === true || start.follow === true;
    const view = mergedView(targets.map(entryOf), later);
    const title = texts.join("  ");
    return await openScreen({ ...view, title, ...start, follow: isFollowed, hex: options.hex }, around.app);
  } finally {
    abort.abort();
    for (const connection of connections.values()) connection.close();
    around.close();
  }
}

/**
 * Returns the containers and files that match now, and what may match later.
 * @throws PortholeError if nothing matches now
 */
async function matching(
  texts: readonly string[],
  options: ConnectionOptions,
  entryOf: LaterEntries["entryOf"],
): Promise<{ targets: Target[]; later: LaterEntries | undefined }> {
  using sessions = new SessionPool(options);
  const targets: Target[] = [];
  const failures: PortholeError[] = [];
  const failed = (error: unknown) => {
    if (!(error instanceof PortholeError) || error.code === "USAGE") throw error;
    failures.push(error);
  };
  const matches = new LaterMatches(sessions, { follow: "name", retry: true });
  for (const text of texts) targets.push(...(await matches.now(text, failed)).map(({ target }) => target));
  if (targets.length === 0 && failures[0]) throw failures[0];
  const isWaiting = matches.hasGlobs || matches.hasSelections;
  const notes = failures.map((error) => `${failureLine(error)}; waiting for it`);
  if (!isWaiting && failures[0]) throw failures[0];
  return { targets, later: isWaiting ? { entryOf, matches, notes } : undefined };
}
