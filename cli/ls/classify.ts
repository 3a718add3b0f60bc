import { DT_LNK } from "../../src/descriptors/index.ts";
import { kindOf } from "../../src/sessions/index.ts";
import type { Item } from "./item.ts";

const ANY_EXECUTE = 0o111;
const SIGNS: Readonly<Record<string, string>> = { directory: "/", link: "@", fifo: "|", socket: "=" };

/** The sign that `ls -F` appends to the name of a file. */
export function signOf({ stat }: Pick<Item, "stat">): string {
  return stat === undefined ? "" : signOfMode(stat.mode);
}

/** The sign that `ls -lF` appends to the target of a link. */
export function targetSignOf({ type, linkMode }: Pick<Item, "type" | "linkMode">): string {
  return type === DT_LNK && linkMode ? signOfMode(linkMode) : "";
}

function signOfMode(mode: number): string {
  const kind = kindOf(mode);
  return kind === "file" && (mode & ANY_EXECUTE) !== 0 ? "*" : (SIGNS[kind] ?? "");
}
