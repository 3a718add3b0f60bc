/**
 * What Ink draws around and over the body: rows of each surface as they are now, each for the
 * columns of the state.
 */
export interface Surfaces {
  top(): readonly string[];
  bottom(): readonly string[];
  /** Empty if there is no panel. */
  side(): readonly string[];
  /** Empty while nothing lies over the body. */
  overlay(): readonly string[];
  /** Empty if there is no message. */
  toast(): readonly string[];
  close(): void;
}
