import type { Status } from "./view.ts";
import type { ViewerStatus } from "./viewer.ts";

/** Status row of the viewer: what is going on, and where the screen is in the text. */
export function viewerStatus(status: ViewerStatus): Status {
  const column = status.left > 0 ? `column ${status.left + 1}  ` : "";
  const dropped = status.start > 0 ? "beginning dropped  " : "";
  return {
    mark: { off: "", on: "FOLLOW", paused: "PAUSED" }[status.follow],
    left: status.message || activity(status),
    right: `${column}${dropped}${percent(status)}  byte ${grouped(status.top)} of ${grouped(status.end)}`,
  };
}

function activity(status: ViewerStatus): string {
  if (status.searching !== undefined) return `searching at byte ${grouped(status.searching)}, Esc cancels`;
  if (status.follow === "paused") return "End goes on";
  return "? help  / search  F follow  q quit";
}

function percent({ bottom, start, end }: ViewerStatus): string {
  if (end <= start) return "empty";
  return bottom >= end ? "END" : `${Math.floor((100 * (bottom - start)) / (end - start))} %`;
}

function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}
