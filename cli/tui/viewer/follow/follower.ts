import { PortholeError } from "../../../../src/errors.ts";
import { type FollowFile, type FollowSource, follow, onTick } from "../../../../src/follow/index.ts";
import type { ScreenFile } from "../document/content.ts";
import type { SourceChanges } from "./source-changes.ts";

/** Milliseconds between checks for the deletion of a replaced file. */
const DELETED_CHECK_MS = 1000;

/** A generation of the file, in the form that the screen reads. */
export interface ScreenGeneration extends FollowFile {
  readonly file: Pick<ScreenFile, "fd" | "nextData">;
}

/**
 * Passes the events of the follow engine to the viewer, as notes between the lines of the file.
 * Runs from the first follow until the screen closes, even while the follow is paused.
 */
export class Follower {
  readonly #source: FollowSource<ScreenGeneration>;
  readonly #changes: SourceChanges;
  readonly #abort = new AbortController();
  /**
   * Generations that the viewer reads, by their original descriptor. Each is closed when it is no
   * longer read.
   */
  readonly #shown = new Map<number, ScreenGeneration>();
  /**
   * Generations that the engine no longer follows. Each is closed once its file is deleted, which
   * frees its storage.
   */
  readonly #left = new Map<number, ScreenGeneration>();
  readonly #opened = new WeakMap<ScreenGeneration, ScreenGeneration>();
  #endTicks: (() => void) | undefined;
  /** True if another component reports an unreachable container. */
  readonly #placeIsTold: boolean;
  /** True after a row has reported that the path cannot be checked. */
  #isUnreachable = false;
  #running: Promise<void> | undefined;

  constructor(source: FollowSource<ScreenGeneration>, changes: SourceChanges, placeIsTold: boolean) {
    this.#source = this.#kept(source);
    this.#changes = changes;
    this.#placeIsTold = placeIsTold;
  }

  /**
   * Called when the user follows. The first call starts the engine. `failed` receives the error
   * that ends the engine.
   */
  start(failed: (error: unknown) => void): void {
    this.#changes.isFollowed = true;
    this.#running ??= this.#run().catch(failed);
  }

  /** Resolves once all generations are closed. The viewer must no longer read them. */
  async close(): Promise<void> {
    this.#abort.abort();
    await this.#running;
    this.#endTicks?.();
    await this.#release([...this.#shown.keys()]);
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    const changes = this.#changes;
    const position = this.#source.file?.stat().size ?? 0;
    for await (const event of follow(this.#source, { position, contents: false, takesFile: true, signal })) {
      switch (event.kind) {
        case "grown":
          changes.grown();
          break;
        case "truncated":
          changes.truncated("truncated: the file begins again");
          break;
        case "deleted":
          changes.note("deleted: the open file is still read");
          break;
        case "unreachable":
          if (this.#placeIsTold && !isOfFile(event.error)) break;
          this.#isUnreachable = true;
          changes.note("the path cannot be checked any more; the open file is still read");
          break;
        case "reachable":
          if (this.#isUnreachable) changes.note("the path can be checked again");
          this.#isUnreachable = false;
          break;
        case "rotated":
          if (event.continues) this.#show(event.file, undefined, "");
          else this.#show(event.file, 0, "rotated: the new file begins here");
          break;
        case "returned":
          if (!event.file) changes.note("the file has its name again");
          else if (event.continues) this.#show(event.file, undefined, "the file has its name again");
          else this.#show(event.file, 0, "recreated: the new file begins here");
          break;
      }
    }
  }

  #show(generation: ScreenGeneration, from: number | undefined, text: string): void {
    const opened = this.#opened.get(generation) ?? generation;
    this.#shown.set(generation.file.fd, opened);
    this.#changes.continueWith(generation.file, from, text, (fds) => void this.#release(fds));
  }

  async #release(fds: readonly number[]): Promise<void> {
    for (const fd of fds) {
      const file = this.#shown.get(fd);
      this.#shown.delete(fd);
      this.#left.delete(fd);
      await file?.close();
    }
  }

  /**
   * Wraps a source so that its generations stay open after the engine has closed them: the user can
   * still scroll back into them.
   */
  #kept(source: FollowSource<ScreenGeneration>): FollowSource<ScreenGeneration> {
    const keep = (file: ScreenGeneration): ScreenGeneration => {
      const { fd } = file.file;
      const kept = { ...file, close: () => (this.#shown.get(fd) === file ? this.#leave(fd, file) : file.close()) };
      this.#opened.set(kept, file);
      return kept;
    };
    const { file, renamedAway } = source;
    if (file) this.#shown.set(file.file.fd, file);
    return {
      ...source,
      ...(file && { file: keep(file) }),
      reopen: async () => {
        const file = await source.reopen();
        return file && keep(file);
      },
      ...(renamedAway && { renamedAway: async (known) => (await renamedAway(known)).map(keep) }),
    };
  }

  #leave(fd: number, file: ScreenGeneration): void {
    // The engine also closes the newest generation when it ends.
    if (this.#abort.signal.aborted) return;
    this.#left.set(fd, file);
    this.#endTicks ??= onTick(DELETED_CHECK_MS, () => this.#releaseDeleted());
    this.#releaseDeleted();
  }

  #releaseDeleted(): void {
    for (const [fd, file] of this.#left) {
      if (file.stat().links !== 0) continue;
      if (this.#changes.release(fd, (fds) => void this.#release(fds))) this.#left.delete(fd);
    }
  }
}

/** True for an error of the file, not of the session or the container. */
function isOfFile(error: unknown): boolean {
  return error instanceof PortholeError && error.code === "FILE";
}
