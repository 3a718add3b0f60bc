import { sanitiseText } from "../../../src/text/index.ts";
import { grouped } from "../canvas/grouped.ts";
import { textWidth } from "../canvas/text-width.ts";
import type { KeyOf } from "../keymap/keymap.ts";
import type { Status } from "../view/view.ts";
import type { ViewerStatus } from "./viewer-types.ts";

/** A part of the status row. */
interface Part {
  text: string;
  /**
   * Order of omission if there is no room: the highest number first. Parts without it always stay.
   */
  dispensable?: number;
  /** A shorter text, used before the part is omitted. */
  short?: string;
}

/**
 * Returns the status row of the viewer: activity, and the position in the text. Omits the least
 * important parts to fit `columns`.
 */
export function viewerStatus(status: ViewerStatus, columns: number, keyOf: KeyOf): Status {
  const mark = markOf(status);
  const ends = { left: leftOf(status, keyOf), right: rightOf(status) };
  // Reserves blanks around the mark, between the ends, and after the last part.
  const around = mark === "" ? 4 : textWidth(mark) + 6;
  const width = () => around + textWidth(sanitiseText(joined(ends.left))) + textWidth(joined(ends.right));
  const order = [...ends.left, ...ends.right]
    .filter(({ dispensable }) => dispensable !== undefined)
    .sort((a, b) => (b.dispensable ?? 0) - (a.dispensable ?? 0));
  for (const part of order) {
    if (width() <= columns) break;
    part.text = part.short ?? "";
  }
  // Puts a gap after a truncated left end.
  const tone = status.follow === "on" ? "good" : status.follow === "paused" ? "warning" : "accent";
  return { mark, tone, left: joined(ends.left), right: ` ${joined(ends.right)}` };
}

function joined(parts: readonly Part[]): string {
  return parts
    .map(({ text }) => text)
    .filter((text) => text !== "")
    .join("  ");
}

function markOf({ follow, mode }: ViewerStatus): string {
  if (follow !== "off") return follow === "on" ? "FOLLOW" : "PAUSED";
  return mode === "hex" ? "HEX" : "";
}

function leftOf(status: ViewerStatus, keyOf: KeyOf): Part[] {
  const parts: Part[] = [
    { text: status.count },
    growth(status, keyOf("end")),
    { text: search(status) },
    { text: filter(status) },
    { text: status.levels, dispensable: 4 },
    { text: status.index === undefined ? "" : `counting ${percentText(status.index)}` },
    ...status.modes.map((text) => ({ text, dispensable: 3 })),
  ].filter(({ text }) => text !== "");
  const isBusy = status.search?.isRunning || status.filter?.isRunning || status.index !== undefined;
  if (isBusy) parts.push({ text: `${keyOf("cancel")} cancels`, dispensable: 4 });
  return parts;
}

function growth({ follow, news, rate, sparkline }: ViewerStatus, end: string): Part {
  if (follow === "paused")
    return { text: news === 0 ? `${end} resumes` : `${grouped(news)} new ${news === 1 ? "line" : "lines"}: ${end}` };
  if (follow === "off" || sparkline === "") return { text: "" };
  const short = `${grouped(rate)} ${rate === 1 ? "line" : "lines"}/s`;
  return { text: `${sparkline} ${short}`, short, dispensable: 6 };
}

function search({ search: status }: ViewerStatus): string {
  if (!status) return "";
  const total = `${grouped(status.total)}${status.progress < 1 ? "+" : ""}`;
  const count = status.ordinal === undefined ? total : `${grouped(status.ordinal)} of ${total}`;
  return `${status.isOfLevels ? "" : "/"}${status.pattern}  ${count}${status.isRunning ? ` (${percentText(status.progress)})` : ""}`;
}

function filter({ filter: status }: ViewerStatus): string {
  if (!status) return "";
  const conditions = [...(status.pattern === "" ? [] : [`&${status.pattern}`]), ...status.descriptions].join("  ");
  const context = status.context > 0 ? ` ±${status.context}` : "";
  const total = `${grouped(status.total)}${status.progress < 1 ? "+" : ""} ${status.total === 1 ? "line" : "lines"}`;
  return `${conditions}${context}  ${total}${status.isRunning ? ` (${percentText(status.progress)})` : ""}`;
}

function rightOf(status: ViewerStatus): Part[] {
  const { line, mode, top, length } = status;
  return [
    { text: status.left > 0 ? `column ${grouped(status.left + 1)}` : "", dispensable: 2 },
    { text: status.isDropping ? "beginning dropped" : "", dispensable: 1 },
    {
      text: line === undefined || length === 0 ? "" : `line ${line.isExact ? "" : "~"}${grouped(line.number)}`,
    },
    { text: percent(status) },
    { text: mode === "hex" ? `0x${top.toString(16)}` : "" },
    { text: `byte ${grouped(top)} of ${grouped(length)}`, dispensable: 5 },
  ];
}

function percent({ bottom, start, end }: ViewerStatus): string {
  if (end <= start) return "empty";
  return bottom >= end ? "END" : percentText((bottom - start) / (end - start));
}

function percentText(part: number): string {
  return `${Math.floor(100 * part)} %`;
}
