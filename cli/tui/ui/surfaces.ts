/**
 * The surfaces that Ink draws around and over the body. Each returns its current rows, for the
 * columns of the state.
 */
export interface Surfaces {
  top(): readonly string[];
  bottom(): readonly string[];
  /** The rows of the panel; empty if there is no panel. */
  side(): readonly string[];
  /** The rows of the levels over time; empty if they are not shown. */
  histogram(): readonly string[];
  /** The rows of the overlay; empty if there is no overlay. */
  overlay(): readonly string[];
  /** The rows of the message; empty if there is no message. */
  toast(): readonly string[];
  close(): void;
}
