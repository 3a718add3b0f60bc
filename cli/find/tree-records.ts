import {
  escapeGlob,
  type FindExpression,
  nameOf,
  type TakenFile,
  type WalkedDirectory,
} from "../../src/files/index.ts";
import { pathText } from "../../src/target.ts";

/** Location of the walked directory, without a slash at the end. */
export interface WalkRoot {
  /** The path that the walk prints. */
  path: string;
  /** The path below the directory of the trees, without links: `web:/var/log`. */
  inTree: string;
  /** Mount points below the directory whose mounts are missing in the tree. */
  absent: readonly string[];
}

type Needs = Pick<FindExpression, "maxDepth" | "needsStat" | "oneFileSystem">;

/**
 * Returns the command line of GNU find that reports all files below the directories. It does not
 * enter directories that only an agent can list. These are mounts that the tree lacks and, unless
 * the user is root, directories that modes deny. Undefined if there are too many of them.
 */
export function findArguments(
  { path, inTree, absent }: WalkRoot,
  directories: readonly WalkedDirectory[],
  { maxDepth, needsStat, oneFileSystem }: Needs,
  isRoot: boolean,
): string[] | undefined {
  if (absent.length > MAX_ABSENT) return undefined;
  const levels = maxDepth - Math.min(...directories.map(({ depth }) => depth));
  const format = needsStat ? "%d %s %T@ %D %m %p\\0" : "%d %p\\0";
  const leave = [
    ...absent.flatMap((point) => ["-o", "-path", escapeGlob(point)]),
    ...(isRoot ? [] : ["-o", "-type", "d", "(", "!", "-readable", "-o", "!", "-executable", ")"]),
  ].slice(1);
  return [
    "find",
    ...directories.map((directory) => inTree + directory.path.slice(path.length)),
    ...(Number.isFinite(levels) ? ["-maxdepth", String(levels)] : []),
    ...(oneFileSystem ? ["-xdev"] : []),
    ...(leave.length > 0 ? ["(", ...leave, ")", "-prune", "-printf", LEFT + format, "-o"] : []),
    ...["-printf", `%y${format}`],
  ];
}

const MAX_ABSENT = 100;
/** Type of a directory that find did not enter. */
const LEFT = "-";

/** Converts the output of {@link findArguments} to files. */
export class RecordReader {
  readonly #root: WalkRoot;
  readonly #depths: Map<string, number>;
  readonly #needsStat: boolean;
  readonly #devices = new Map<string, { major: number; minor: number }>();
  #rest: Buffer = Buffer.alloc(0);
  /** Depth of the directory for which find runs. */
  #base = 0;
  hasAny = false;

  constructor(
    root: WalkRoot,
    directories: readonly WalkedDirectory[],
    { needsStat }: Pick<FindExpression, "needsStat">,
  ) {
    this.#root = root;
    this.#depths = new Map(directories.map(({ path, depth }) => [path, depth]));
    this.#needsStat = needsStat;
  }

  push(chunk: Buffer): TakenFile[] {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const end = bytes.lastIndexOf(0);
    this.#rest = bytes.subarray(end + 1);
    if (end < 0) return [];
    this.hasAny = true;
    const files: TakenFile[] = [];
    for (const record of pathText(bytes.subarray(0, end)).split("\0")) {
      const file = this.#file(record);
      // Skips the directories themselves, which the walk already has.
      if (file.depth > this.#base) files.push(file);
      else if (file.todo !== undefined) files.push({ ...file, todo: "list again" });
    }
    return files;
  }

  #file(record: string): TakenFile {
    const { path: root, inTree } = this.#root;
    const fields = this.#needsStat ? 5 : 1;
    let at = 0;
    const values: string[] = [];
    for (let field = 0; field < fields; field++) {
      const space = record.indexOf(" ", at);
      values.push(record.slice(at, space));
      at = space + 1;
    }
    const [head = "", size = "0", mtime = "0", device = "0", mode = "0"] = values;
    const path = root + record.slice(at + inTree.length);
    const levels = Number(head.slice(1));
    if (levels === 0) this.#base = this.#depths.get(path) ?? 0;
    return {
      path,
      name: nameOf(path),
      depth: this.#base + levels,
      type: types[head.charAt(0)] ?? 0,
      stat: this.#needsStat
        ? {
            ...{ size: BigInt(size), mtime: nanoseconds(mtime), device: this.#device(device) },
            mode: Number.parseInt(mode, 8),
          }
        : undefined,
      todo: head.startsWith(LEFT) ? "list" : undefined,
    };
  }

  /** dev_t as glibc encodes it: gnu_dev_major(3). */
  #device(text: string): { major: number; minor: number } {
    const known = this.#devices.get(text);
    if (known !== undefined) return known;
    const number = BigInt(text);
    const major = ((number >> 8n) & 0xfffn) | ((number >> 32n) & ~0xfffn);
    const minor = (number & 0xffn) | ((number >> 12n) & ~0xffn & 0xffff_ffffn);
    const device = { major: Number(major), minor: Number(minor) };
    this.#devices.set(text, device);
    return device;
  }
}

/** Values of `d_type` in getdents64(2). */
const types: Record<string, number> = { [LEFT]: 4, f: 8, d: 4, l: 10, p: 1, s: 12, b: 6, c: 2 };

function nanoseconds(text: string): bigint {
  const [seconds = "0", fraction = ""] = text.split(".");
  return BigInt(seconds + fraction.slice(0, 9).padEnd(9, "0"));
}
