import type { Status } from "./view.ts";
import type { ViewerStatus } from "./viewer-facts.ts";

/** Status row of the viewer: what is going on, and where the screen is in the text. */
export function viewerStatus(status: ViewerStatus): Status {
  return { mark: markOf(status), left: leftOf(status), right: rightOf(status) };
}

function markOf({ follow, mode }: ViewerStatus): string {
  if (follow !== "off") return follow === "on" ? "FOLLOW" : "PAUSED";
  return mode === "hex" ? "HEX" : "";
}

function leftOf(status: ViewerStatus): string {
  if (status.message) return status.message;
  const parts = [
    status.count,
    growth(status),
    search(status),
    filter(status),
    status.index === undefined ? "" : `counting ${percentText(status.index)}`,
    ...status.modes,
  ].filter((part) => part !== "");
  const isBusy = status.search?.isRunning || status.filter?.isRunning || status.index !== undefined;
  if (isBusy) parts.push("Esc cancels");
  if (parts.length > 0) return parts.join("  ");
  return "? help  / search  & filter  F follow  q quit";
}

function growth({ follow, news, rate, picture }: ViewerStatus): string {
  if (follow === "paused")
    return news === 0 ? "End goes on" : `${grouped(news)} new ${news === 1 ? "line" : "lines"}: End`;
  if (follow === "off" || picture === "") return "";
  return `${picture} ${grouped(rate)} ${rate === 1 ? "line" : "lines"}/s`;
}

function search({ search: status }: ViewerStatus): string {
  if (!status) return "";
  const total = `${grouped(status.total)}${status.progress < 1 ? "+" : ""}`;
  const place = status.ordinal === undefined ? total : `${grouped(status.ordinal)} of ${total}`;
  return `/${status.pattern}  ${place}${status.isRunning ? ` (${percentText(status.progress)})` : ""}`;
}

function filter({ filter: status }: ViewerStatus): string {
  if (!status) return "";
  const context = status.context > 0 ? ` ±${status.context}` : "";
  const total = `${grouped(status.total)}${status.progress < 1 ? "+" : ""} ${status.total === 1 ? "line" : "lines"}`;
  return `&${status.pattern}${context}  ${total}${status.isRunning ? ` (${percentText(status.progress)})` : ""}`;
}

function rightOf(status: ViewerStatus): string {
  const { line, mode, top, length } = status;
  const parts = [
    status.left > 0 ? `column ${status.left + 1}` : "",
    status.isDropping ? "beginning dropped" : "",
    line === undefined || length === 0 ? "" : `line ${line.isExact ? "" : "~"}${grouped(line.number)}`,
    percent(status),
    mode === "hex" ? `0x${top.toString(16)}` : "",
    `byte ${grouped(top)} of ${grouped(length)}`,
  ];
  // Where the left end is cut, it does not run into this.
  return ` ${parts.filter((part) => part !== "").join("  ")}`;
}

function percent({ bottom, start, end }: ViewerStatus): string {
  if (end <= start) return "empty";
  return bottom >= end ? "END" : percentText((bottom - start) / (end - start));
}

function percentText(part: number): string {
  return `${Math.floor(100 * part)} %`;
}

function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}
