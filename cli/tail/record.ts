import { pathText } from "../../src/target.ts";
import { jsonLine } from "../io/json.ts";

/**
 * What `tail --json` and `head --json` say of a line: see docs/json.md.
 * @param bytes with its delimiter, if anything ended it
 */
export function lineRecord(target: string, bytes: Uint8Array, delimiter: number, time: number | undefined): Uint8Array {
  const isWhole = bytes.at(-1) === delimiter;
  const record = {
    target,
    line: pathText(isWhole ? bytes.subarray(0, -1) : bytes),
    time: time === undefined ? null : new Date(time).toISOString(),
    partial: isWhole ? undefined : true,
  };
  return Buffer.from(jsonLine(record));
}
