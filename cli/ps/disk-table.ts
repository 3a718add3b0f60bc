import stringWidth from "string-width";
import { sanitiseText } from "../../src/text/index.ts";
import { humanSize } from "../ls/sizes.ts";

/** Disk usage of a layer, volume, log or file: the schema of `porthole ps --disk --json`. */
export interface DiskItem {
  /**
   * `layer` is a writable layer. `log` is the engine's copy of the output, with its rotated files.
   * `deleted` is a deleted file that is open; `mapped` is a deleted file that is only mapped.
   */
  kind: "layer" | "volume" | "log" | "deleted" | "mapped";
  /**
   * Size in bytes. For `mapped` it is the maximum; null if the volume's driver does not report it.
   */
  size: bigint | null;
  /** Names of the containers that use it, or `pid:N`. Empty for an unused volume. */
  containers: string[];
  engine: string | null;
  /** Name of a volume; else null. */
  name: string | null;
  /**
   * Path of a log on this machine, as its engine reports it. For a deleted file, its path inside
   * the container.
   */
  path: string | null;
  /**
   * Processes that use a deleted file, by pids inside the container; `fd` is null for a mapping.
   */
  processes: { pid: number; fd: number | null }[];
}

/** Formats a table of disk usage. The last line is the total. */
export function diskTable(items: readonly DiskItem[]): string {
  const shown = items.filter(({ size }) => size !== 0n);
  const rows = shown.map((item) => [
    item.size === null ? "?" : humanSize(item.size),
    item.kind,
    sanitiseText(item.containers.join(", ") || "-"),
    sanitiseText(what(item)),
  ]);
  const all = [["SIZE", "KIND", "CONTAINER", "WHAT"], ...rows];
  const width = (column: number) => Math.max(...all.map((cells) => stringWidth(cells[column] ?? "")));
  const [size, kind, container] = [width(0), width(1), width(2)];
  const lines = all.map(
    ([a = "", b = "", c = "", d = ""]) =>
      `${a.padStart(size)}  ${b.padEnd(kind)}  ${c}${" ".repeat(container - stringWidth(c))}  ${d}`,
  );
  return `${[...lines, totals(shown)].join("\n")}\n`;
}

function what({ kind, name, path, processes }: DiskItem): string {
  if (kind === "layer") return "writable layer";
  if (kind === "volume") return name ?? "";
  if (kind === "log") return path ?? "";
  const [first, ...others] = processes;
  const more = others.length === 0 ? "" : `, and ${others.length} more`;
  const holder = first?.fd == null ? `process ${first?.pid}` : `process ${first.pid}, descriptor ${first.fd}`;
  return `${path} (${kind === "mapped" ? "at most; mapped by " : "open in "}${holder}${more})`;
}

function totals(items: readonly DiskItem[]): string {
  const sum = (isCounted: (item: DiskItem) => boolean) =>
    items.filter(isCounted).reduce((total, { size }) => total + (size ?? 0n), 0n);
  const mapped = sum(({ kind }) => kind === "mapped");
  const total = humanSize(sum(({ kind }) => kind !== "mapped"));
  return `total ${total}${mapped > 0n ? `, and at most ${humanSize(mapped)} mapped` : ""}`;
}
