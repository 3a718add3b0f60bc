import { parseZone, type Zone } from "../../src/times/index.ts";
import type { ConnectionOptions } from "../targets/options.ts";
import { type Amount, parseAmount, parsePlain, parseSeconds, UsageError } from "./amount.ts";
import { quotedArgument } from "./quote.ts";

/** Options of head and tail, unparsed. */
export interface RawOptions extends ConnectionOptions {
  bytes?: string;
  lines?: string;
  quiet?: boolean;
  verbose?: boolean;
  zeroTerminated?: boolean;
  f?: boolean;
  F?: boolean;
  follow?: string;
  retry?: boolean;
  sleepInterval?: string;
  pid?: string;
  prefix?: boolean;
  json?: boolean;
  merge?: boolean;
  since?: string;
  color?: "auto" | "always" | "never";
  consume?: boolean;
  /** The options in the order of the command line. */
  given?: GivenOption[];
}

/** An option as it was given; an option without a value has an empty one. */
export interface GivenOption {
  /** Commander's attribute name. */
  name: string;
  value: string;
}

/** Options that head and tail share. */
export interface CommonOptions {
  amount: Amount;
  /** True if -n or -c was given. */
  hasAmount: boolean;
  headers: "always" | "never" | "several";
  /** The byte at the end of a line. */
  delimiter: number;
  /** Prints each line as a JSON object. */
  json: boolean;
  /** The zone of timestamps without a zone; undefined means the zone of the target. */
  zone: Zone | undefined;
}

/** Parsed options of tail. */
export interface TailOptions extends CommonOptions {
  follow: "name" | "descriptor" | undefined;
  retry: boolean;
  /** Milliseconds. */
  interval: number;
  pid: number | undefined;
  prefix: boolean;
  merge: boolean;
  since: string | undefined;
  consume: boolean;
  color: "auto" | "always" | "never";
}

export function commonOptions(raw: RawOptions, command: "head" | "tail"): CommonOptions {
  checkReplaced(raw, command);
  const unit = lastOf(raw, "bytes", "lines");
  const text = unit && raw[unit];
  const header = lastOf(raw, "quiet", "verbose");
  return {
    amount: unit && text !== undefined ? parseAmount(unit, text, command) : { unit: "lines", count: 10, sign: "" },
    hasAmount: unit !== undefined,
    headers: header === "quiet" ? "never" : header === "verbose" ? "always" : "several",
    delimiter: raw.zeroTerminated ? 0 : 10,
    json: raw.json === true,
    zone: raw.tz === undefined ? undefined : parseZone(raw.tz),
  };
}

/**
 * Parses the options of tail. `warn` receives warnings about options without effect. Throws
 * {@link UsageError}.
 */
export function tailOptions(raw: RawOptions, warn: (text: string) => void): TailOptions {
  const common = commonOptions(raw, "tail");
  if (common.json && raw.prefix)
    throw new UsageError("cannot combine --json and --prefix: each object contains its target");
  const how = lastOf(raw, "f", "F", "follow");
  const byName = how === "F" || (how === "follow" && raw.follow === "name");
  const follow = how === undefined ? undefined : byName ? "name" : "descriptor";
  const retry = raw.retry === true || raw.F === true;
  const pid = raw.pid === undefined ? undefined : parsePid(raw.pid);
  if (retry && follow === undefined) warn("warning: --retry ignored; --retry is useful only when following");
  else if (retry && follow === "descriptor") warn("warning: --retry only effective for the initial open");
  if (pid !== undefined && follow === undefined) warn("warning: PID ignored; --pid=PID is useful only when following");
  return {
    ...common,
    follow,
    retry: retry && follow !== undefined,
    interval: raw.sleepInterval === undefined ? 1000 : parseSeconds(raw.sleepInterval) * 1000,
    pid,
    prefix: raw.prefix === true,
    merge: raw.merge === true,
    since: raw.since,
    consume: raw.consume === true,
    color: raw.color ?? "auto",
  };
}

/** Returns the option among these that was given last. */
function lastOf<Name extends keyof RawOptions>(raw: RawOptions, ...names: Name[]): Name | undefined {
  const last = raw.given?.findLast(({ name }) => (names as string[]).includes(name));
  return names.find((name) => name === last?.name);
}

/** Checks the values of all options, also of those that a later option replaces, as GNU does. */
function checkReplaced(raw: RawOptions, command: "head" | "tail"): void {
  for (const { name, value } of raw.given ?? []) {
    if (name === "bytes" || name === "lines") parseAmount(name, value, command);
    else if (name === "follow") checkFollow(value);
    else if (name === "pid") parsePid(value);
    else if (name === "sleepInterval") parseSeconds(value);
    else if (name === "tz") parseZone(value);
  }
}

function checkFollow(how: string): void {
  if (how === "name" || how === "descriptor") return;
  throw new UsageError(`invalid argument ${quotedArgument(how)} for ${quotedArgument("--follow")}`);
}

function parsePid(text: string): number {
  return parsePlain(text, "PID", 0x7fff_ffff);
}
