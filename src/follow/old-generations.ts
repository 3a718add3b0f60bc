import { DrainingGeneration, type Identity } from "./machine.ts";
import { Reader } from "./reader.ts";
import type { FollowFile } from "./source.ts";

/** What {@link OldGenerations.next} returns: data of an old generation, or one that has ended. */
type OldStep<File> = { kind: "data"; bytes: Uint8Array; position: number; late: true } | { kind: "done"; file: File };

interface OldGeneration<File extends FollowFile> {
  reader: Reader<File>;
  draining: DrainingGeneration;
}

/** Options of {@link OldGenerations}. */
interface OldGenerationsOptions {
  drainMs: number;
  /** Maximum bytes of one step. */
  chunk: number;
  isFollowedElsewhere: ((identity: Identity) => boolean) | undefined;
}

/** Previous generations whose writers may not have noticed the rotation. */
export class OldGenerations<File extends FollowFile> {
  readonly #all: OldGeneration<File>[] = [];
  readonly #options: OldGenerationsOptions;

  constructor(options: OldGenerationsOptions) {
    this.#options = options;
  }

  get isEmpty(): boolean {
    return this.#all.length === 0;
  }

  get files(): File[] {
    return this.#all.map(({ reader }) => reader.file);
  }

  /** Adds a generation that is read up to the reader's position. */
  add(reader: Reader<File>): void {
    this.#all.push({ reader, draining: new DrainingGeneration(reader.position, this.#options.drainMs) });
  }

  addUnread(file: File): void {
    this.add(new Reader(file, 0));
  }

  hasUnread(): boolean {
    return this.#all.some(({ reader, draining }) => reader.unread(draining.position) === "bytes");
  }

  /**
   * Returns the next step; undefined if there is none now. Generations that a newer one has
   * replaced come first.
   * @param isWritten returns true if the newest generation has content
   */
  next(isWritten: () => boolean): OldStep<File> | undefined {
    const written = !this.isEmpty && isWritten();
    for (const [index, { reader, draining }] of this.#all.entries()) {
      const { file } = reader;
      const { size, links } = file.stat();
      const isReplaced = written || links === 0 || index < this.#all.length - 1;
      const isElsewhere = this.#options.isFollowedElsewhere?.(file.identity) === true;
      const step = isElsewhere ? "done" : draining.look(size, isReplaced, performance.now());
      if (step === "wait") continue;
      if (step === "done") {
        this.#all.splice(index, 1);
        return { kind: "done", file };
      }
      const { position } = draining;
      const bytes = reader.read(position, Math.min(size - position, this.#options.chunk));
      draining.position += bytes.length;
      return bytes.length > 0 ? { kind: "data", bytes, position, late: true } : undefined;
    }
    return undefined;
  }
}
