import { isTerminal } from "../../src/descriptors/index.ts";
import { PortholeError } from "../../src/errors.ts";
import { parseSessionTarget } from "../../src/target.ts";
import { diagnose, type Finding } from "../doctor/diagnose.ts";
import { Exit, printable } from "../io/fail.ts";
import { jsonLine } from "../io/json.ts";
import { write } from "../io/output.ts";
import { withEngine } from "../io/part-of-several.ts";
import { interruptible } from "../targets/interruptible.ts";

/** `porthole doctor`: prints one line per check. Returns 1 if a check failed. */
export async function doctor(
  text: string | undefined,
  options: { engine?: string; user?: string; json?: boolean },
): Promise<number> {
  const target = text === undefined ? undefined : parseSessionTarget(text);
  if (target?.kind === "local") {
    throw new PortholeError("USAGE", `cannot test routes to '${text}': it is a path of this machine`, {
      hint: "porthole doctor CONTAINER, or porthole doctor pid:N",
    });
  }
  const colour = isTerminal(1) && process.env.NO_COLOR === undefined;
  // A signal stops the test of a route, which then removes its socket and its sidecar.
  return interruptible(async (signal) => {
    let status: number = Exit.ok;
    for await (const finding of diagnose({ target, engine: options.engine, user: options.user, signal: signal() })) {
      write(options.json ? jsonLine(finding) : line(finding, colour));
      if (finding.status === "fail") status = Exit.file;
    }
    return status;
  });
}

function line({ status, what, detail, remedy }: Finding, colour: boolean): string {
  const code = { ok: 32, warn: 33, fail: 31 }[status];
  const word = colour ? `\x1b[${code}m${status}\x1b[0m` : status;
  const rest = printable(withEngine(`${what}: ${detail}${remedy === undefined ? "" : `  -> ${remedy}`}`));
  return `${word}${" ".repeat(6 - status.length)}${rest}\n`;
}
