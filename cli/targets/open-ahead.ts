import { PortholeError } from "../../src/errors.ts";
import type { OpenFile, Session } from "../../src/sessions/index.ts";
import { type OpenTargetOptions, openTarget } from "./open-target.ts";
import type { NamedTarget, SessionPool } from "./session-pool.ts";

/** Files that are being opened before their turn. Each holds a descriptor. */
export const LOOKAHEAD = 16;

interface Open {
  session: Session;
  /** The receiver closes it. */
  file: OpenFile;
  /** Milliseconds from the first thought of it, starting an agent included. */
  took: number;
}

/** A target whose turn it is: the file, or why there is none. */
export type OpenResult = { named: NamedTarget } & (Open | { error: unknown });

/**
 * Opens targets in their order, up to `most` that come next being on their way already: most of a small file's time is the way there and back. What
 * nobody takes any more is closed.
 */
export async function* openAhead(
  sessions: SessionPool,
  targets: readonly NamedTarget[],
  { most = LOOKAHEAD, ...options }: OpenTargetOptions & { most?: number } = {},
): AsyncGenerator<OpenResult, void, undefined> {
  const begun: Begun[] = [];
  const failed = new Set<Session>();
  let next = 0;
  try {
    for (;;) {
      // Several at a time: an agent that sleeps between two requests has to be woken for each.
      if (begun.length <= most / 2)
        for (let named = targets[next]; named && begun.length < most; named = targets[++next])
          begun.push(await begin(sessions, named, options));
      const turn = begun.shift();
      if (turn === undefined) return;
      yield await take(sessions, turn, failed, options);
    }
  } finally {
    for (const { opening } of begun) void opening.then(({ file }) => file.close(), ignore);
  }
}

interface Begun {
  named: NamedTarget;
  /** Undefined where there was none to be had. */
  session?: Session;
  opening: Promise<Open>;
}

async function begin(sessions: SessionPool, named: NamedTarget, options: OpenTargetOptions): Promise<Begun> {
  const started = performance.now();
  const begun = async (session: Session): Promise<Open> => {
    const file = await openTarget(session, named, options);
    return { session, file, took: performance.now() - started };
  };
  try {
    const session = await sessions.session(named.target);
    return { named, session, opening: later(begun(session)) };
  } catch (error) {
    return { named, opening: later(Promise.reject(error)) };
  }
}

/** A session that ends takes along all that are on their way; it is the first of them that says why, the others may well be opened. */
async function take(
  sessions: SessionPool,
  { named, session, opening }: Begun,
  failed: Set<Session>,
  options: OpenTargetOptions,
): Promise<OpenResult> {
  try {
    return { named, ...(await opening) };
  } catch (error) {
    if (session === undefined || !(error instanceof PortholeError) || error.code !== "SESSION") return { named, error };
    if (failed.has(session)) return take(sessions, await begin(sessions, named, options), failed, options);
    failed.add(session);
    return { named, error };
  }
}

/** A promise whose rejection is reported when its turn comes. */
function later<T>(promise: Promise<T>): Promise<T> {
  promise.catch(ignore);
  return promise;
}

function ignore(): void {}
