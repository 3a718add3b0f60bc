import { type FollowFile, type FollowSource, follow } from "../../src/index.ts";
import { regularSource } from "../../src/text/index.ts";
import type { ScreenFile } from "./content.ts";
import type { Viewer } from "./viewer.ts";

/** A generation as the screen reads it. */
export interface ScreenGeneration extends FollowFile {
  readonly file: Pick<ScreenFile, "fd">;
}

/**
 * Brings what the follow engine reports to the viewer, from the first time the user follows until the screen closes. While the user has paused,
 * growth is told as ever, but another file is not shown: the engine opens and keeps the new generations meanwhile.
 */
export class Follower {
  readonly #source: FollowSource<ScreenGeneration>;
  readonly #viewer: Viewer;
  readonly #abort = new AbortController();
  #running: Promise<void> | undefined;
  #wake: () => void = () => {};

  constructor(source: FollowSource<ScreenGeneration>, viewer: Viewer) {
    this.#source = source;
    this.#viewer = viewer;
  }

  /** Call after every action: starts with the first follow, goes on after a pause. `failed` hears what ends it. */
  update(failed: (error: unknown) => void): void {
    if (this.#viewer.follow === "on") {
      this.#running ??= this.#run().catch(failed);
      this.#wake();
    }
  }

  /** Resolves when the generations that were opened are closed. The viewer must not read any more. */
  async close(): Promise<void> {
    this.#abort.abort();
    this.#wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    const viewer = this.#viewer;
    const position = this.#source.file?.stat().size ?? 0;
    for await (const event of follow(this.#source, { position, contents: false, signal })) {
      switch (event.kind) {
        case "grown":
          viewer.grown();
          break;
        case "truncated":
          viewer.truncated();
          break;
        case "deleted":
          viewer.say("no file has this name any more: still reading the open one");
          break;
        case "unreachable":
          viewer.say("the path cannot be asked about any more: still reading what is open");
          break;
        case "reachable":
          viewer.say("the path can be asked about again");
          break;
        case "rotated":
          await this.#show(
            event.file,
            event.continues ? "the container was restarted" : "rotated: this is the new file",
          );
          break;
        case "returned":
          if (event.file) await this.#show(event.file, "there is a file of this name again");
          else viewer.say("the file has its name again");
          break;
      }
    }
  }

  async #show(generation: ScreenGeneration, message: string): Promise<void> {
    while (this.#viewer.follow !== "on" && !this.#abort.signal.aborted) {
      this.#viewer.say("there is a newer file of this name: End or F goes there");
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (!this.#abort.signal.aborted) await this.#viewer.replace(regularSource(generation.file.fd), message);
  }
}
