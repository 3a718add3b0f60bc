/** Sort keys, in the order of the columns. */
export const SORTS = ["name", "size", "time", "kind", "storage", "mode", "owner"] as const;
export type Sort = (typeof SORTS)[number];

/** How a list of files is sorted, and whether it shows hidden files. */
export interface Arrangement {
  sort: Sort;
  reverse: boolean;
  hidden: boolean;
}
