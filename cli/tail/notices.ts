import type { FollowEvent, Generation } from "../../src/follow/index.ts";
import { reasonOf } from "./messages.ts";
import { quoted, quotedIfNeeded } from "./quote.ts";

/**
 * Notices about a followed file, in GNU's words. {@link TailTarget} reports container events once
 * for all files.
 */
export class Notices {
  readonly #name: string;
  readonly #retries: boolean;
  readonly #keepsName: boolean;
  #hasGivenUp = false;
  /** The problem that was reported last. */
  #inaccessible: "missing" | "other" | undefined;

  /**
   * `retries`: with `--retry`. `keepsName`: the name stays followed, because a file that cannot be
   * followed may be replaced. `failure`: the error of the first open.
   */
  constructor(name: string, { retries, keepsName }: { retries: boolean; keepsName: boolean }, failure?: unknown) {
    this.#name = name;
    this.#retries = retries;
    this.#keepsName = keepsName;
    if (failure !== undefined) this.#inaccessible = isMissing(failure) ? "missing" : "other";
  }

  /** True after the file was replaced by one that cannot be followed, without `-F`. */
  get hasGivenUp(): boolean {
    return this.#hasGivenUp;
  }

  of(event: FollowEvent<Generation>): string | undefined {
    const name = quoted(this.#name);
    switch (event.kind) {
      case "truncated":
        return `${quotedIfNeeded(this.#name)}: file truncated${event.unread > 0 ? `; ${event.unread} bytes that were not read yet are lost` : ""}`;
      case "deleted":
        this.#inaccessible = "missing";
        if (!this.#retries) return `${quotedIfNeeded(this.#name)}: No such file or directory`;
        return `${name} has become inaccessible: No such file or directory`;
      case "unreachable": {
        const { code, errno } = (event.error ?? {}) as { code?: unknown; errno?: unknown };
        if (code !== "FILE" || this.#inaccessible === "other") return undefined;
        const wasMissing = this.#inaccessible === "missing";
        this.#inaccessible = "other";
        if (errno === "EINVAL") {
          this.#hasGivenUp = !this.#keepsName;
          const gives = this.#keepsName ? "" : "; giving up on this name";
          return `${name} has been replaced with an untailable file${gives}`;
        }
        return wasMissing ? undefined : `${name} has become inaccessible: ${reasonOf(event.error)}`;
      }
      case "reachable": {
        const was = this.#inaccessible;
        if (was === "other") this.#inaccessible = undefined;
        return was === "other" ? `${name} has become accessible` : undefined;
      }
      case "returned":
      case "rotated": {
        const was = this.#inaccessible;
        this.#inaccessible = undefined;
        if (event.continues) return was === undefined ? undefined : `${name} has become accessible`;
        if (was === "missing") return `${name} has appeared;  following new file`;
        return was === "other" ? `${name} has become accessible` : `${name} has been replaced;  following new file`;
      }
      default:
        return undefined;
    }
  }
}

function isMissing(error: unknown): boolean {
  return (error as { errno?: unknown }).errno === "ENOENT";
}
