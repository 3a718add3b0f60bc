/**
 * The surfaces that Ink draws around and over the body. Each returns its current rows, for the
 * columns of the state.
 */
export interface Surfaces {
  top(): readonly string[];
  bottom(): readonly string[];
  /** Empty if there is no panel. */
  side(): readonly string[];
  /** Empty if levels over time are not shown. */
  histogram(): readonly string[];
  /** Empty if there is no overlay. */
  overlay(): readonly string[];
  /** Empty if there is no message. */
  toast(): readonly string[];
  close(): void;
}
