/** An inotify watch, from its request on. */
export class InotifyWatch {
  state: "asked" | "held" | "lost" = "asked";
  #remove: (() => void) | undefined;
  #onSettled: () => void = () => undefined;
  #over = false;

  hold(asked: Promise<() => void>): void {
    asked.then(
      (remove) => {
        if (this.#over) {
          remove();
          return this.#onSettled();
        }
        this.#remove = remove;
        if (this.state === "asked") this.state = "held";
        this.#onSettled();
      },
      () => {
        this.state = "lost";
        this.#onSettled();
      },
    );
  }

  /** Calls back when the request has succeeded or failed. */
  settled(callback: () => void): void {
    this.#onSettled = callback;
  }

  end(): void {
    this.#over = true;
    this.#remove?.();
  }
}
