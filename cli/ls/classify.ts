import { DT_LNK } from "../../src/descriptors/index.ts";
import type { Item } from "./item.ts";

const S_IFMT = 0o170000;
const ANY_EXECUTE = 0o111;
/** By the file type of a mode. */
const SIGNS: ReadonlyMap<number, string> = new Map([
  [0o040000, "/"],
  [0o120000, "@"],
  [0o010000, "|"],
  [0o140000, "="],
]);

/** The sign that `ls -F` appends to the name of a file. */
export function signOf({ stat }: Pick<Item, "stat">): string {
  return stat === undefined ? "" : signOfMode(stat.mode);
}

/** The sign that `ls -lF` appends to the target of a link. */
export function targetSignOf({ type, linkMode }: Pick<Item, "type" | "linkMode">): string {
  return type === DT_LNK && linkMode ? signOfMode(linkMode) : "";
}

function signOfMode(mode: number): string {
  const isProgram = (mode & S_IFMT) === 0o100000 && (mode & ANY_EXECUTE) !== 0;
  return isProgram ? "*" : (SIGNS.get(mode & S_IFMT) ?? "");
}
