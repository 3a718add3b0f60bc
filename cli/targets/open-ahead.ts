import { PortholeError } from "../../src/errors.ts";
import type { OpenFile, Session } from "../../src/sessions/index.ts";
import { type OpenTargetOptions, openTarget } from "./open-target.ts";
import type { NamedTarget, SessionPool } from "./session-pool.ts";

/** Maximum number of files to open ahead. Each needs a descriptor. */
export const LOOKAHEAD = 16;

interface Open {
  session: Session;
  /** The receiver closes it. */
  file: OpenFile;
  /** Milliseconds, including agent start. */
  took: number;
}

/** The next target: its open file, or the error. */
export type OpenResult = { named: NamedTarget } & (Open | { error: unknown });

/**
 * Opens targets in order, up to `maxAhead` of them ahead: for a small file, the round trip takes
 * most of the time. Closes files that the caller does not take.
 */
export async function* openAhead(
  sessions: SessionPool,
  targets: readonly NamedTarget[],
  { maxAhead = LOOKAHEAD, ...options }: OpenTargetOptions & { maxAhead?: number } = {},
): AsyncGenerator<OpenResult, void, undefined> {
  const begun: Begun[] = [];
  const failed = new Set<Session>();
  let next = 0;
  try {
    for (;;) {
      // Send several requests at once: waking a sleeping agent for each is slower.
      if (begun.length <= maxAhead / 2)
        for (let named = targets[next]; named && begun.length < maxAhead; named = targets[++next])
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
  /** The session; undefined if the connection failed. */
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

/**
 * A session that ends makes all its pending opens fail. The first reports the error; the others are
 * retried.
 */
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

/** A promise whose rejection is handled when it is awaited. */
function later<T>(promise: Promise<T>): Promise<T> {
  promise.catch(ignore);
  return promise;
}

function ignore(): void {}
