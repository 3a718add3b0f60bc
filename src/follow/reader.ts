import { Fingerprint } from "./offsets/fingerprint.ts";
import type { FollowFile } from "./source.ts";

const NEWLINE = 10;
/** Minimum size of a hole that is skipped. */
const PAGE = 4096;

/** Reads one generation and detects a rewrite of the bytes already read. */
export class Reader<File extends FollowFile> {
  readonly file: File;
  readonly #fingerprint = new Fingerprint();
  readonly #readAt = (position: number, buffer: Uint8Array) => this.file.read(position, buffer);
  /** Result of the last {@link look}. */
  #seen: { size: number; modified: number } | undefined;
  /** Inode times of the last {@link glance}. */
  #inode: { modified: number; changed: number | undefined } | undefined;
  /** The inode's change time at the last {@link unread}. */
  #renamedAt: number | undefined;
  position: number;
  atLineStart = true;

  constructor(file: File, position: number) {
    this.file = file;
    this.position = position;
    this.#fingerprint.remember(this.#readAt, position);
  }

  look() {
    const stat = this.file.stat();
    const changed = stat.size !== this.#seen?.size || stat.modified !== this.#seen.modified;
    this.#seen = stat;
    return { size: stat.size, intact: !changed || this.#fingerprint.matches(this.#readAt), now: performance.now() };
  }

  /** fstat(2) between reads. Never throws: {@link look} reports the error. */
  glance(): { size: number; differs: boolean; renamed: boolean; links: number | undefined } | undefined {
    try {
      const { size, modified, changed, links } = this.file.stat();
      const was = this.#inode;
      this.#inode = { modified, changed };
      return {
        size,
        links,
        differs: size !== this.#seen?.size || modified !== this.#seen.modified,
        renamed: was !== undefined && changed !== was.changed && modified === was.modified,
      };
    } catch {
      return { size: 0, links: undefined, differs: true, renamed: false };
    }
  }

  /**
   * Returns whether fstat(2) shows bytes beyond `position`, or a rename since the last call. Never
   * throws: {@link look} reports the error.
   */
  unread(position: number): "bytes" | "renamed" | undefined {
    try {
      const { size, modified, changed = modified } = this.file.stat();
      const isRenamed = changed !== modified && changed !== this.#renamedAt;
      this.#renamedAt = changed;
      return size !== position ? "bytes" : isRenamed ? "renamed" : undefined;
    } catch {
      return "bytes";
    }
  }

  read(position: number, length: number): Uint8Array {
    const buffer = new Uint8Array(length);
    return buffer.subarray(0, this.file.read(position, buffer));
  }

  /**
   * The offset of the next data, without the zeros that fill its page, if a hole of at least a page
   * starts at `position`. Otherwise `position`. A writer that keeps its offset after copytruncate
   * leaves such holes.
   */
  behindHole(position: number, size: number): number {
    const { nextData } = this.file;
    if (nextData === undefined || size - position < PAGE) return position;
    const data = Math.min(nextData.call(this.file, position) ?? size, size);
    if (data - position < PAGE) return position;
    const page = this.read(data, Math.min(PAGE, size - data));
    const content = page.findIndex((byte) => byte !== 0);
    return content === -1 ? data + page.length : data + content;
  }

  /** Returns `bytes` up to the first hole of at least a page. */
  beforeHole(position: number, bytes: Uint8Array): Uint8Array {
    const { nextData } = this.file;
    const zero = nextData === undefined ? -1 : bytes.indexOf(0);
    if (zero < 0) return bytes;
    const page = Math.ceil((position + zero) / PAGE) * PAGE;
    if (page - position >= bytes.length || bytes[page - position] !== 0) return bytes;
    if (bytes.subarray(zero, page - position).some((byte) => byte !== 0)) return bytes;
    const data = nextData?.call(this.file, page);
    return data === undefined || data - page >= PAGE ? bytes.subarray(0, page - position) : bytes;
  }

  /** Records `bytes`, which were read at the position. */
  took(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#fingerprint.advance(bytes);
    this.position += bytes.length;
    this.atLineStart = bytes[bytes.length - 1] === NEWLINE;
  }

  /** Treats everything before `position` as read. */
  skipTo(position: number): void {
    this.#fingerprint.remember(this.#readAt, position);
    this.position = position;
  }

  /** Starts over at 0. */
  begin(): void {
    this.#fingerprint.forget();
    this.position = 0;
    this.atLineStart = true;
  }

  /**
   * True if `other` is this file by its inode and known bytes; the device number may differ. An
   * engine's copy of a file has no inode to compare.
   */
  continuesIn(other: FollowFile): boolean {
    return (
      this.position > 0 &&
      (Number(this.file.identity.device) === 0 || BigInt(other.identity.inode) === BigInt(this.file.identity.inode)) &&
      this.#fingerprint.matches((position, buffer) => other.read(position, buffer))
    );
  }
}
