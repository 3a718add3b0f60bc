import type { KeyEvent } from "../../keymap/keys.ts";

/**
 * Delays keys while code is loaded. Otherwise a key would act on the old view, not on the question
 * or view that the code shows.
 */
export class DelayedKeys {
  #held: KeyEvent[] | undefined;

  /** Stores a key until the code is loaded. False if no code is being loaded. */
  add(event: KeyEvent): boolean {
    this.#held?.push(event);
    return this.#held !== undefined;
  }

  /** Holds keys back until `begin` has resolved, then passes them to `release`. */
  async during<Begun>(begin: () => Promise<Begun>, release: (event: KeyEvent) => void): Promise<Begun> {
    const held: KeyEvent[] = [];
    this.#held = held;
    try {
      return await begin();
    } finally {
      this.#held = undefined;
      for (const event of held) release(event);
    }
  }
}
