import { isTerminal } from "../../src/descriptors/index.ts";
import { jsonLine } from "../io/json.ts";
import { signOf, targetSignOf } from "./classify.ts";
import { Colours } from "./colours.ts";
import { columnLines } from "./columns.ts";
import type { Items } from "./entries.ts";
import { fileRecord } from "./file-record.ts";
import type { Item } from "./item.ts";
import { longLines, totalLine } from "./long.ts";
import type { LsOptions } from "./options.ts";

/** The sorted items of a directory, or the named files. */
export interface Group {
  /** The name of the directory; undefined if it is not printed. */
  title: string | undefined;
  items: Items;
  isDirectory: boolean;
  /** True for the first group of the output. */
  isFirst: boolean;
}

/** The output format of `ls`, for its options and its output. */
export interface ListFormat {
  /** True if colours need the mode of every file. */
  needsStat: boolean;
  /** True if colours need the targets of links. */
  needsLinkTargets: boolean;
  /** Formats in pieces: the text of a directory may exceed the maximum length of a string. */
  render(group: Group): Iterable<string>;
}

/** Returns a format that prints exact names to a pipe or file, and sanitised names to a terminal. */
export async function listFormat(options: LsOptions): Promise<ListFormat> {
  const isShown = isTerminal(1);
  const { colours, hasTargets } = coloursFor(options, isShown);
  const isColumned = options.C === true || (isShown && !options[1]);
  const text = isShown || isColumned ? await import("../../src/text/index.ts") : undefined;
  const show = isShown && text !== undefined ? (name: string) => text.sanitiseText(name) : (name: string) => name;
  const name = (item: Item) => colours?.name(item, show(item.name)) ?? show(item.name);
  const sign = options.classify ? signOf : () => "";
  const targetSign = options.classify ? targetSignOf : () => "";
  const before = options.inode ? inodesOf : () => () => "";
  const long = (items: Items) =>
    longLines(items, {
      before: before(items),
      human: options.humanReadable === true,
      now: BigInt(Date.now()) * 1_000_000n + 999_999n,
      show,
      name: (item) => {
        if (item.link === undefined) return name(item) + sign(item);
        return `${name(item)} -> ${colours?.target(item, show(item.link)) ?? show(item.link)}${targetSign(item)}`;
      },
    });
  const columns = (items: Items) => {
    const width = (name: string) =>
      /^[ -~]*$/.test(name) || text === undefined
        ? name.length
        : [...text.clusters(name)].reduce((sum, cluster) => sum + text.clusterWidth(cluster), 0);
    const inode = before(items);
    return columnLines(
      items,
      {
        text: (item) => inode(item) + name(item) + sign(item),
        width: (item) => inode(item).length + width(show(item.name)) + sign(item).length,
      },
      Number(process.env.COLUMNS) || (isShown && process.stdout.columns) || 80,
    );
  };
  const body = options.l ? long : isColumned ? columns : lines;
  return {
    needsStat: colours !== undefined,
    needsLinkTargets: hasTargets || (options.classify === true && options.l === true),
    *render({ title, items, isDirectory, isFirst }) {
      if (options.json) {
        for (const item of items) yield jsonLine(fileRecord(item));
        return;
      }
      const head = title === undefined ? "" : `${show(title)}:\n`;
      const total = options.l && isDirectory ? totalLine(items, options.humanReadable === true) : "";
      yield (isFirst || !isDirectory ? "" : "\n") + head + total;
      yield* body(items);
    },
  };

  function* lines(items: Items): Generator<string> {
    const inode = before(items);
    for (const item of items) yield `${inode(item)}${name(item)}${sign(item)}\n`;
  }
}

/** Returns a function that formats inode numbers, as wide as these items need. */
function inodesOf(items: Items): (item: Item) => string {
  const text = ({ stat }: Item) => (stat === undefined ? "?" : String(stat.inode));
  let width = 1;
  for (const item of items) width = Math.max(width, text(item).length);
  return (item) => `${text(item).padStart(width)} `;
}

function coloursFor(
  { color = "auto" }: LsOptions,
  isShown: boolean,
): { colours: Colours | undefined; hasTargets: boolean } {
  const isColoured = color === "always" || (color === "auto" && isShown && !process.env.NO_COLOR);
  if (!isColoured) return { colours: undefined, hasTargets: false };
  const colours = new Colours(process.env.LS_COLORS);
  return { colours, hasTargets: colours.needsTargets };
}
