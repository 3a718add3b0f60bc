/** Writes text between two escape sequences, or plain. The colours are ripgrep's, sequence for sequence. */
export interface Colours {
  path: readonly [string, string];
  number: readonly [string, string];
  match: readonly [string, string];
}

const RESET = "\x1b[0m";

export const coloured: Colours = {
  path: ["\x1b[0m\x1b[35m", RESET],
  number: ["\x1b[0m\x1b[32m", RESET],
  match: ["\x1b[0m\x1b[1m\x1b[31m", RESET],
};

export const plain: Colours = { path: ["", ""], number: ["", ""], match: ["", ""] };
