import { Transform } from "node:stream";

/** The name of process 1 as porthole prints it. */
const FIRST = "pid:1:";

/** Translates between the names of a pod and of process 1, its target in an ephemeral container. */
export class PodNames {
  readonly #pod: string;

  /** @param pod `NAMESPACE/POD` */
  constructor(pod: string) {
    this.#pod = `pod:${pod}`;
  }

  /** Translates a word of the command line. */
  there(word: string): string {
    const rest = word.startsWith(this.#pod) ? /^(?:\/[^:/]+)?(:.*)?$/s.exec(word.slice(this.#pod.length)) : null;
    return rest === null ? word : `pid:1${rest[1] ?? ""}`;
  }

  /**
   * Returns a stream that replaces the name of process 1 in messages by the pod's name. A name that
   * is split between two chunks stays unchanged.
   */
  shown(): Transform {
    const name = `${this.#pod}:`;
    return new Transform({
      transform: (piece: Buffer, _, done) => {
        const text = piece.toString("latin1");
        done(null, text.includes(FIRST) ? Buffer.from(text.replaceAll(FIRST, name), "latin1") : piece);
      },
    });
  }
}
