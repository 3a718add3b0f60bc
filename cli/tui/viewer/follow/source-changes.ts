import { holesOf, type ScreenFile } from "../document/content.ts";
import type { Document } from "../document/document.ts";
import type { Growth } from "../document/growth.ts";
import type { LineCounting } from "../document/line-counting.ts";
import type { ViewerText } from "../rows/viewer-text.ts";
import type { Searching } from "../search/searching.ts";

/** A part of the viewer that depends on the source. */
export interface SourceReaders {
  text: ViewerText;
  searching: Searching;
  counting: LineCounting;
  growth: Growth;
}

/**
 * Applies changes of the source while it is visible: growth, truncation, a next file, and notes of
 * the viewer between files.
 */
export class SourceChanges {
  readonly #document: Document;
  readonly #readers: SourceReaders;
  readonly #changed: () => void;
  /** Tasks that wait, in order, until no reader uses the source. */
  #drops: Promise<void> = Promise.resolve();
  #isClosed = false;
  /** True while the follow engine runs: it reports truncations itself. */
  isFollowed = false;

  /** @param changed requests a frame */
  constructor(document: Document, readers: SourceReaders, changed: () => void) {
    this.#document = document;
    this.#readers = readers;
    this.#changed = changed;
  }

  /** Checks the source once per frame. */
  look(): void {
    const { text, searching, counting, growth } = this.#readers;
    const change = this.#document.look();
    if (change === "cut" && this.#document.chain && !this.isFollowed)
      this.truncated("the file was truncated: this is its new beginning");
    if (change === "grown") {
      text.viewport.forget();
      text.grown();
      searching.grown();
      text.filter?.grown();
      counting.grown();
    }
    this.#document.during(() => {
      counting.look();
      if (growth.look(Date.now())) this.#changed();
    }, this.#document.knownEnd);
  }

  /** Called when the source has grown. */
  grown(): void {
    this.#changed();
  }

  /** True while the source is being decompressed: its end is not known yet. */
  set isFilling(on: boolean) {
    this.#readers.text.isFilling = on;
  }

  /** Called when the source is complete, or when an error (`failure`) ended it early. */
  filled(failure: string | undefined): void {
    this.isFilling = false;
    if (failure !== undefined) this.note(failure);
    this.#changed();
  }

  /** Adds a row of porthole at the end for an event of the followed file. */
  note(text: string): void {
    this.#document.chain?.note(text);
    this.#readers.growth.skipTo(this.#document.source.end());
    this.#changed();
  }

  /** Called when the file was truncated or rewritten in place. */
  truncated(note: string): void {
    const { chain } = this.#document;
    const { text, searching, growth } = this.#readers;
    if (!chain) return;
    chain.restart(note, this.#document.knownEnd);
    this.#document.dropBefore(chain.start());
    searching.at = undefined;
    text.anchor = undefined;
    growth.skipTo(chain.end());
    this.#drop(chain.start());
    text.layOutAnew();
    this.#changed();
  }

  /**
   * Appends another file, from its offset `from`. `dropped` receives descriptors that are no longer
   * read.
   */
  continueWith(
    file: Pick<ScreenFile, "fd" | "nextData">,
    from: number | undefined,
    note: string,
    dropped: (fds: number[]) => void,
  ): void {
    const { chain } = this.#document;
    if (!chain) return;
    chain.continueWith(file.fd, from ?? chain.offsetInFile(chain.end()), note, holesOf(file));
    this.#readers.growth.skipTo(chain.end());
    const fds = chain.takeDropped();
    if (fds.length > 0) this.#drop(chain.start(), () => dropped(fds));
    this.#readers.text.viewport.forget();
    this.#changed();
  }

  /**
   * Keeps the end of a deleted file in memory and stops reading its descriptor, which `dropped`
   * receives. False while this would lose a visible part.
   */
  release(fd: number, dropped: (fds: number[]) => void): boolean {
    const { chain } = this.#document;
    const { viewport } = this.#readers.text;
    const kept = chain?.keptBy(fd);
    if (!chain || kept === undefined) return true;
    if (kept.isCut && viewport.top.line < kept.from) return false;
    chain.release(fd);
    const fds = chain.takeDropped();
    this.#drop(chain.start(), () => dropped(fds));
    viewport.forget();
    this.#changed();
    return true;
  }

  /** Resolves once pending drops are done. No new one begins afterwards. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#drops;
  }

  /** Drops the bytes before `start`, once no reader uses the source. */
  #drop(start: number, dropped: () => void = () => undefined): void {
    this.#drops = this.#drops.then(async () => {
      const { text, searching, counting } = this.#readers;
      const { filter } = text;
      const [count, search, filtering] = await Promise.all([counting.pause(), searching.pause(), filter?.pause()]);
      await text.ended();
      this.#document.dropBefore(start);
      searching.dropBefore(start);
      filter?.dropBefore(start);
      dropped();
      if (this.#isClosed) return;
      count();
      search();
      filtering?.();
      this.#changed();
    });
  }
}
