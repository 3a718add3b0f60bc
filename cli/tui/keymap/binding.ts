/** A row of the table of keys: it drives the input and is the help. */
export interface Binding {
  /** What the key does; also the name of the command that does it. */
  action: string;
  /** Names as `KeyEvent` has them; the first ones are shown in the help. */
  keys: readonly string[];
  help: string;
  /**
   * The same in a word, for the row of keys at the bottom of the screen; without, it is not there.
   */
  hint?: string;
}
