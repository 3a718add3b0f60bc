import { grouped } from "../canvas/grouped.ts";
import type { Rectangle } from "../canvas/layout.ts";
import type { KeyOf } from "../keymap/keymap.ts";
import type { HistogramState } from "../view/histogram.ts";
import { columnAt, type Histogram } from "./levels/histogram.ts";

const DAY = 86_400_000;

/**
 * Converts a histogram to the state of its surface. `shown` is undefined until the histogram is
 * known.
 */
export function histogramState(
  shown: { histogram: Histogram; isSample: boolean } | undefined,
  top: number,
  rectangle: Rectangle,
  keyOf: KeyOf,
): HistogramState {
  const hint = `${keyOf("next-problem")} ${keyOf("previous-problem")} problems  ${keyOf("histogram")} closes`;
  if (!shown)
    return { ...rectangle, title: "Levels", summary: "reading ...", hint, bars: [], at: -1, first: "", last: "" };
  const { histogram, isSample } = shown;
  const { bars, times } = histogram;
  const span = times ? times.last - times.first : 0;
  return {
    ...rectangle,
    title: times ? "Levels over time" : "Levels by part of the text",
    summary: summaryOf(histogram, isSample),
    hint,
    bars: bars.map(({ records, errors, warnings }) => ({ records, errors, warnings })),
    at: columnAt(histogram, top),
    first: times ? clock(times.first, span) : "start",
    last: times ? clock(times.last, span) : "end",
  };
}

function summaryOf({ bars }: Histogram, isSample: boolean): string {
  const count = (of: "errors" | "warnings") => Math.round(bars.reduce((sum, bar) => sum + bar[of], 0));
  const about = (value: number) => `${isSample && value > 0 ? "~" : ""}${grouped(value)}`;
  const numbers = `errors ${about(count("errors"))}  warnings ${about(count("warnings"))}`;
  return isSample ? `${numbers}  (a sample)` : numbers;
}

/** Formats a time as the lines do. Adds the date if the axis is longer than a day. */
function clock(time: number, span: number): string {
  const text = new Date(time).toISOString();
  return span < DAY ? text.slice(11, 19) : `${text.slice(0, 10)} ${text.slice(11, 16)}`;
}
