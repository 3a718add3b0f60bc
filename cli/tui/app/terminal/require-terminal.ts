import { isTerminal as isTerminalAt } from "../../../../src/descriptors/index.ts";
import { PortholeError } from "../../../../src/errors.ts";

/**
 * Checks that this terminal can show the screen. `what` is the command, `hint` an alternative to
 * it.
 * @throws PortholeError USAGE if it cannot
 */
export function requireTerminal(what: string, hint: string): void {
  if (!isTerminal())
    throw new PortholeError("USAGE", `${what} needs a terminal on standard input and output`, { hint });
  if (isDumb())
    throw new PortholeError("USAGE", `${what} needs a terminal whose cursor can be moved, and TERM is 'dumb'`, {
      hint,
    });
}

/** True if the screen can be shown. */
export function hasScreen(): boolean {
  return isTerminal() && !isDumb();
}

function isTerminal(): boolean {
  return isTerminalAt(0) && isTerminalAt(1);
}

/** True in editors' shell windows and build tools, which print control sequences literally. */
function isDumb(): boolean {
  return process.env.TERM === "dumb";
}
