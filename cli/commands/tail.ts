import { fstatSync } from "node:fs";
import { Exit, exitStatus } from "../io/fail.ts";
import { fullText, printFailure, printMessage, reportUsageError } from "../tail/messages.ts";
import { type RawOptions, type TailOptions, tailOptions } from "../tail/options.ts";
import { quoted } from "../tail/quote.ts";
import { sinceTime } from "../tail/since.ts";
import { TailRun } from "../tail/tail-run.ts";
import { SessionPool } from "../targets/session-pool.ts";

/**
 * `porthole tail`: writes the end of each target to standard output and follows them, as GNU tail
 * does. Returns the highest status.
 */
export async function tail(texts: string[], raw: RawOptions): Promise<number> {
  let options: TailOptions;
  try {
    options = tailOptions(raw, (text) => printMessage("tail", text));
  } catch (error) {
    return reportUsageError("tail", error);
  }
  const since = options.since === undefined ? undefined : sinceTime(options.since, Date.now(), options.zone);
  const { amount, follow } = options;
  if (amount.count === 0 && amount.sign === "" && follow === undefined) return Exit.ok;
  const names = texts.length > 0 ? texts : ["-"];
  if (follow === "name" && names.includes("-")) {
    printMessage("tail", `cannot follow ${quoted("-")} by name`);
    return Exit.file;
  }
  if (follow === "descriptor" && names.includes("-") && fstatSync(0).isCharacterDevice() && process.stdin.isTTY)
    printMessage("tail", "warning: following standard input indefinitely is ineffective");
  using sessions = new SessionPool(raw);
  let status: number = Exit.ok;
  const tailing = new TailRun(sessions, options, since, (error) => {
    status = Math.max(status, exitStatus(error));
  });
  await tailing.name(names, (error) => printFailure("tail", fullText(error), error));
  await tailing.begin();
  if (follow !== undefined) status = Math.max(status, await tailing.follow());
  await tailing.end();
  return status;
}
