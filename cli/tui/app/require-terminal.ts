import { isatty } from "node:tty";
import { PortholeError } from "../../../src/errors.ts";

/**
 * @throws PortholeError USAGE where the screen cannot be shown; `what` needs it, `hint` does not.
 */
export function requireTerminal(what: string, hint: string): void {
  if (!isTerminal())
    throw new PortholeError("USAGE", `${what} needs a terminal on standard input and output`, { hint });
  if (isDumb())
    throw new PortholeError("USAGE", `${what} needs a terminal whose cursor can be moved, and TERM is 'dumb'`, {
      hint,
    });
}

/** Whether the screen can be shown. */
export function hasScreen(): boolean {
  return isTerminal() && !isDumb();
}

function isTerminal(): boolean {
  return isatty(0) && isatty(1);
}

/**
 * What an editor's shell window and some build tools call themselves: they show control sequences
 * as they come.
 */
function isDumb(): boolean {
  return process.env.TERM === "dumb";
}
