import { anySignal, DT_DIR, DT_REG } from "../../../../src/descriptors/index.ts";
import { joinPath, nameOf } from "../../../../src/files/index.ts";
import type { Session } from "../../../../src/sessions/index.ts";
import type { Target } from "../../../../src/target.ts";
import { streamMatches } from "../../../grep/stream-matches.ts";
import type { NamedTarget } from "../../../targets/session-pool.ts";
import type { Connection } from "../../connection/connection.ts";
import type { BrowserContext } from "../common/context.ts";
import { LoadedView } from "../common/loaded-view.ts";
import { type GrepItem, GrepResults, type GrepScope, MAX_LINES } from "./grep-results.ts";

/** Milliseconds between updates of the list. */
const LOOK_MS = 100;

interface Grep {
  /** Path of ripgrep. */
  program: string;
  pattern: string;
  scopes: readonly GrepScope[];
}

/**
 * Lists lines that match a regular expression, below directories and by file, as ripgrep finds
 * them.
 */
export function grepView(browser: BrowserContext, grep: Grep): LoadedView<GrepItem> {
  const { pattern, scopes } = grep;
  const [only] = scopes.length === 1 ? scopes : [];
  const where = only ? only.name : `${scopes.length} containers:${scopes[0]?.path}`;
  const { theme } = browser;
  let results = new GrepResults(scopes);
  return new LoadedView<GrepItem>(
    {
      contexts: ["found"],
      title: `${where}  grep ${pattern}`,
      connection: only?.connection,
      columns: [
        {
          title: "LINE",
          align: "right",
          cell: ({ match }) => ({ text: String(match?.found.line ?? ""), style: theme.dim }),
        },
        {
          title: "TEXT",
          rest: true,
          cell: ({ match }) =>
            (match?.found.pieces ?? []).map(({ text, isMatch }) => ({
              text,
              style: isMatch ? theme.accent : undefined,
            })),
        },
      ],
      load: (some, signal) => {
        results = new GrepResults(scopes);
        return search(browser, grep, results, some, signal);
      },
      open: ({ match }, how) => {
        if (!match) return;
        const { connection, path, found } = match;
        const directory = (to: string) => browser.openFiles(connection, to, undefined, how);
        void browser.openPath(connection, path, { directory, match: { ...found, pattern } }, how);
      },
      act: (action, item) => {
        if (action !== "show-in-files" || !item?.match) return false;
        const { connection, path } = item.match;
        browser.openFiles(connection, path.replace(/\/[^/]*$/, "") || "/", nameOf(path));
        return true;
      },
      remark: () => results.trouble,
      summary: () => results.summary,
      get nothing() {
        if (results.isStopped) return ["stopped before the first match"];
        const matches = `matches '${pattern}'`;
        if (results.trouble) return [`no line that could be read ${matches}`, results.trouble];
        return [`no line below ${where} ${matches}`];
      },
    },
    browser,
  );
}

/** Runs ripgrep until its end, an abort, or enough lines. */
async function search(
  browser: BrowserContext,
  { program, pattern, scopes }: Grep,
  results: GrepResults,
  some: (items: readonly GrepItem[]) => Promise<void>,
  signal: AbortSignal,
): Promise<GrepItem[]> {
  const enough = new AbortController();
  let shown = 0;
  const look = setInterval(() => {
    if (results.items.length === shown) return;
    shown = results.items.length;
    void some(results.items);
  }, LOOK_MS);
  try {
    const { targets, connections } = await targetsOf(scopes, browser.arrangement.hidden, results);
    await streamMatches({
      program,
      pattern,
      maxLines: MAX_LINES + 1,
      hidden: browser.arrangement.hidden,
      targets,
      sessions: { session: (target) => (connections.get(target) as Connection).session() },
      mayEnter: (path) => !KERNEL.test(path),
      signal: anySignal([signal, enough.signal]),
      found: (line) => {
        if (results.add(line)) return;
        enough.abort();
      },
      failed: (message) => results.failed(message),
    });
    results.isStopped = signal.aborted;
  } finally {
    clearInterval(look);
  }
  return results.items;
}

/** Matches file systems of the kernel in the root directory. */
const KERNEL = /^\/(proc|sys)$/;

/** Connects to all targets at once. Skips targets that cannot be reached. */
async function targetsOf(scopes: readonly GrepScope[], hidden: boolean, results: GrepResults) {
  const connections = new Map<Target, Connection>();
  const named = ({ connection, path, name }: GrepScope, inside = path): NamedTarget => {
    const target = { ...connection.target, path: inside } as Target;
    connections.set(target, connection);
    return { text: name.slice(0, name.length - path.length) + inside, target };
  };
  const found = await Promise.all(
    scopes.map(async (scope) => {
      try {
        const session = await scope.connection.session();
        const { connection, path } = scope;
        // For local directories, ripgrep walks the tree itself and would enter the kernel's file
        // systems.
        if (connection.target.kind !== "local" || path !== "/") return [named(scope)];
        return (await topLevel(session, hidden)).map((inside) => named(scope, inside));
      } catch (error) {
        results.failed(error instanceof Error ? error.message : String(error));
        return [];
      }
    }),
  );
  return { targets: found.flat(), connections };
}

/**
 * Returns the directories and regular files in the root directory. ripgrep would read a FIFO that
 * is passed by name.
 */
async function topLevel(session: Session, hidden: boolean): Promise<string[]> {
  const paths: string[] = [];
  for await (const { name, type } of session.list("/")) {
    const isSearched = (type === DT_DIR || type === DT_REG) && (hidden || !name.startsWith("."));
    if (isSearched && !KERNEL.test(`/${name}`)) paths.push(joinPath("/", name));
  }
  return paths;
}
