import type { Rectangle } from "../canvas/layout.ts";

/** Levels of a text over time, in the last rows of the body. */
export interface HistogramState extends Rectangle {
  title: string;
  /** The numbers of errors and warnings. */
  summary: string;
  /** Key hints for the right end of the title. */
  hint: string;
  /** One bar for each column. */
  bars: readonly HistogramBar[];
  /** The column of the current position. */
  at: number;
  /** Labels of both ends of the axis. */
  first: string;
  last: string;
}

/** Counts of a column: records, and the errors and warnings among them. */
export interface HistogramBar {
  records: number;
  errors: number;
  warnings: number;
}
