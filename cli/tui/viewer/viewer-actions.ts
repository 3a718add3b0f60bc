import type { Direction } from "../../../src/text/index.ts";
import type { Action } from "../keymap/keymap.ts";
import { cancel, endWaits } from "./cancelling.ts";
import type { LineSource, Sources } from "./document/sources.ts";
import type { Facet } from "./levels/level-facets.ts";
import type { ViewerParts } from "./viewer-parts.ts";

/** The context of a key press. */
export interface Press {
  /** The number typed before the key. */
  count: number | undefined;
  /** Height of a page in rows. */
  page: number;
}

/**
 * Runs an action of the viewer. A move cancels a search whose result would move elsewhere. False
 * for any other action.
 */
export function performAction(parts: ViewerParts, action: Action, press: Press): boolean {
  if (MOVES.has(action)) endWaits(parts);
  const handler = HANDLERS[action];
  handler?.(parts, { ...press, times: press.count ?? 1 });
  return handler !== undefined;
}

/** Moves. Each cancels a pending search. */
const MOVES: ReadonlySet<string> = new Set([
  "line-down",
  "line-up",
  "page-down",
  "page-up",
  "half-page-down",
  "half-page-up",
  "start",
  "end",
  "follow",
  "percent",
]);

/** Columns per press of Left or Right: a tab stop. */
const SIDE_STEP = 8;

type Handler = (parts: ViewerParts, press: Press & { times: number }) => unknown;

const HANDLERS: Readonly<Partial<Record<Action, Handler>>> = {
  "line-down": ({ following }, { times }) => following.scroll(times),
  "line-up": ({ following }, { times }) => following.scroll(-times),
  "page-down": ({ following }, { count, page }) => following.scroll(count ?? page),
  "page-up": ({ following }, { count, page }) => following.scroll(-(count ?? page)),
  "half-page-down": ({ following }, { count, page }) => following.scroll(count ?? Math.ceil(page / 2)),
  "half-page-up": ({ following }, { count, page }) => following.scroll(-(count ?? Math.ceil(page / 2))),
  start: ({ jumps, text }, { count }) => (count === undefined ? jumps.jump(() => text.toStart()) : jumps.toLine(count)),
  end: ({ jumps, following }, { count }) =>
    count === undefined ? jumps.jump(() => following.toEnd()) : jumps.toLine(count),
  percent: ({ jumps }, { count }) => jumps.toPercent(count ?? 0),
  left: (parts, { times }) => toColumn(parts, parts.text.left - SIDE_STEP * times),
  right: (parts, { times }) => toColumn(parts, parts.text.left + SIDE_STEP * times),
  "first-column": (parts) => toColumn(parts, 0),
  follow: ({ following }) => following.toggle(),

  "next-match": ({ walk }, { times }) => walk.go("forward", times),
  "previous-match": ({ walk }, { times }) => walk.go("backward", times),
  "next-problem": (parts, { times }) => toProblem(parts, "forward", times),
  "previous-problem": (parts, { times }) => toProblem(parts, "backward", times),
  "ignore-case": ({ searching, say }) => {
    searching.toggleCase();
    say(searching.ignoresCase ? "searches ignore case" : "searches match case");
  },
  range: toggleRange,
  cancel,

  wrap: ({ text }) => text.toggleWrap(),
  "line-numbers": ({ text, counting }) => text.modes.toggle("numbers") && counting.go(),
  levels: ({ text, say }) => say(text.modes.toggle("levels") ? "levels in colour" : "levels without colour"),
  json: ({ text }) => text.turnJson(),
  hex: ({ text }) => text.setHex(!text.isHex),
  encoding: ({ text, say }) => say(`read as ${text.turnEncoding()}`),
  "more-context": (parts, { times }) => addContext(parts, times),
  "less-context": (parts, { times }) => addContext(parts, -times),
  histogram: ({ text, say }) => {
    if (text.isHex) say("a hex dump has no levels");
    else text.hasHistogram = !text.hasHistogram;
  },
  mute,
  solo,
  "only-errors": (parts) => toggleLevel(parts, "error"),
  "only-warnings": (parts) => toggleLevel(parts, "warn"),
  "only-info": (parts) => toggleLevel(parts, "info"),
  "only-debug": (parts) => toggleLevel(parts, "debug"),
};

/** Searches for the next error or warning beyond the screen. */
function toProblem({ text, searching, walk, say }: ViewerParts, direction: Direction, times: number): void {
  if (text.isHex) {
    say("a hex dump has no levels");
    return;
  }
  searching.setProblems();
  walk.go(direction, times, true);
}

/** Adds or removes a level of visible records. */
function toggleLevel({ text, following, say }: ViewerParts, facet: Facet): void {
  if (text.isHex) {
    say("a hex dump has no levels");
    return;
  }
  text.visibleLines.facets.toggle(facet);
  text.visibleLines.apply();
  if (following.isOn) text.toEnd();
}

/** Changes which sources of a merged text are visible. */
function changeSources(
  { text, following, say }: ViewerParts,
  change: (sources: Sources, here: LineSource | undefined) => string,
): void {
  if (text.isHex) {
    say("a hex dump has no sources");
    return;
  }
  say(change(text.visibleLines.sources, text.sourceHere()));
  text.visibleLines.apply();
  if (following.isOn) text.toEnd();
}

function mute(parts: ViewerParts): void {
  const all = `${parts.keyOf("solo")} shows all sources`;
  changeSources(parts, (sources, here) => {
    if (!here) return "the current line has no source";
    return sources.mute(here) ? `${here.name} is muted: ${all}` : `${here.name} is the only source shown: ${all}`;
  });
}

/** Shows only one source, or shows all sources again. */
function solo(parts: ViewerParts): void {
  changeSources(parts, (sources, here) => {
    if (sources.description !== "") {
      sources.showAll();
      return "all sources";
    }
    if (!here) return "the current line has no source";
    sources.solo(here);
    return `only ${here.name}: ${parts.keyOf("solo")} shows all sources`;
  });
}

function toColumn({ text, say, keyOf }: ViewerParts, column: number): void {
  text.toColumn(column);
  if (text.isWrapped && column > 0) say(`long lines are wrapped: ${keyOf("wrap")} cuts them`);
}

function toggleRange({ text, say, keyOf }: ViewerParts): void {
  text.anchor = text.anchor === undefined ? text.viewport.top.line : undefined;
  if (text.anchor === undefined) say("no range");
  else say(`the range begins here and ends with the screen's last line: scroll; ${keyOf("range")} ends it`);
}

function addContext({ text, say, keyOf }: ViewerParts, lines: number): void {
  const shown = text.visibleLines.addContext(lines);
  if (shown === undefined) say(`no filter: ${keyOf("filter")} and a regular expression show only lines that match`);
  else if (shown === "lines") say(`only lines that match: ${keyOf("more-context")} shows the rest of their records`);
  else if (shown === "records") say("matching lines and the rest of their records, such as stack traces");
}
