import { prepareExit } from "../../src/descriptors/index.ts";
import { PortholeError } from "../../src/errors.ts";
import type { Tree, TreeOptions, TreeTarget } from "../../src/routes/index.ts";
import { connect, containerOf, type Session } from "../../src/sessions/index.ts";
import { type PathTarget, parseTarget, type Target, targetName, withPath } from "../../src/target.ts";
import { noteSession, shownName } from "../io/part-of-several.ts";
import { checkContainerName } from "./container-name.ts";
import { type ContainerPattern, isGlob, parsePattern, parseSessionPattern } from "./container-pattern.ts";
import { interruptible } from "./interruptible.ts";
import { orLocalFile, parseNamed, targetText } from "./local-file.ts";
import type { ConnectionOptions } from "./options.ts";
import { Slots } from "./slots.ts";

/** A target and the text that names it. */
export interface NamedTarget {
  text: string;
  target: Target;
  /**
   * True if a glob matched the target or its container, so that the user did not give its full
   * name.
   */
  isMatch?: boolean;
  /** The pattern that matched its container; undefined if the user named the container. */
  pattern?: ContainerPattern;
}

/** The sessions of one command: one per container or process. */
export class SessionPool {
  readonly #options: ConnectionOptions;
  readonly #sessions = new Map<string, Session>();
  /** Connections that {@link session} has not returned yet, including those of {@link prepare}. */
  readonly #begun = new Map<string, Promise<Session>>();
  readonly #slots = new Slots(CONNECT_AT_ONCE);
  #isClosed = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    prepareExit();
  }

  get engine(): string | undefined {
    return this.#options.engine;
  }

  /**
   * Returns a session for the target. A signal during the start of an agent cleans up, then ends
   * the process.
   */
  async session(target: Target, { runningOnly = false } = {}): Promise<Session> {
    const key = targetName(target);
    const known = this.#sessions.get(key);
    if (known !== undefined && known.ended === undefined) return known;
    const begun = this.#begun.get(key) ?? this.#begin(target, runningOnly);
    try {
      return await begun;
    } finally {
      this.#begun.delete(key);
    }
  }

  /** Begins to connect to targets ahead of their use; {@link session} then reports the result. */
  prepare(targets: readonly Target[]): void {
    for (const target of targets) {
      const key = targetName(target);
      if (!this.#sessions.has(key) && !this.#begun.has(key)) this.#begin(target, false).catch(() => undefined);
    }
  }

  #begin(target: Target, runningOnly: boolean): Promise<Session> {
    const key = targetName(target);
    const { engine, route, user, idle } = this.#options;
    noteSession(key);
    const begun = this.#slots
      .run(() => {
        if (this.#isClosed) throw new PortholeError("CANCELLED", "the command has ended");
        return interruptible((signal) =>
          connect(target, { engine, route, user, idleSeconds: idle, signal, runningOnly }),
        );
      })
      .then(
        (session) => {
          this.#sessions.set(key, session);
          if (this.#isClosed) session.close();
          return session;
        },
        (error: unknown) => {
          throw orLocalFile(targetText(target), error);
        },
      );
    this.#begun.set(key, begun);
    return begun;
  }

  /**
   * Parses a text that may be a pattern of several containers: see {@link parsePattern}.
   * @throws PortholeError USAGE
   */
  pattern(text: string): ContainerPattern | undefined {
    return parsePattern(text, this.#options.label ?? []);
  }

  /** Parses a pattern as {@link pattern} does, but needs no path. @throws PortholeError USAGE */
  sessionPattern(text: string): ContainerPattern | undefined {
    return parseSessionPattern(text, this.#options.label ?? []);
  }

  /**
   * Expands a pattern to a target in each container that matches now. `isReport` allows any number
   * of matches, including none.
   * @throws PortholeError TARGET if no container matches and `isReport` is not set
   */
  async select(pattern: ContainerPattern, { runningOnly = false, isReport = false } = {}): Promise<NamedTarget[]> {
    const { selectContainers } = await import("./select-containers.ts");
    const names = await selectContainers(pattern, { engine: this.engine, runningOnly, isReport });
    return names.map((name) => selected(pattern, name));
  }

  /**
   * Returns a tree of the target's mounts. The caller closes it. Handles signals as {@link session}
   * does.
   */
  async tree(target: TreeTarget, how: Pick<TreeOptions, "write" | "allMounts" | "copy" | "running">): Promise<Tree> {
    const { takeTree } = await import("../../src/routes/index.ts");
    const { engine, route, user } = this.#options;
    const options = { engine, route: route === "auto" ? undefined : route, user, ...how };
    return interruptible((signal) => takeTree(target, { ...options, signal: signal() }));
  }

  /**
   * Returns a tree that this process can take itself, for a faster way to the files of a session.
   * The route of the session's agent does not matter: another command may have started it.
   * @throws PortholeError as {@link tree}; ATTACH if that needs a sidecar, or because of `--route`
   */
  async directTree(session: Session, target: TreeTarget): Promise<Tree> {
    const { engine, route = "auto", user } = this.#options;
    if (route !== "auto" && route !== "direct")
      throw new PortholeError("ATTACH", `--route ${route} does not allow a tree of this user`);
    // Only the route of its agent is known to reach the layers of a target without processes.
    if (session.offline !== undefined && session.route !== "direct")
      throw new PortholeError("ATTACH", `the route is ${session.route}`);
    const { takeDirectTree } = await import("../../src/routes/index.ts");
    const options = { engine, user, write: false, allMounts: false, running: containerOf(session) };
    return interruptible((signal) => takeDirectTree(target, { ...options, signal: signal() }));
  }

  /**
   * Parses targets and expands globs inside containers; the shell expands globs of local paths. A
   * file whose name is the pattern is one of the matches. `text` of a match is the full target.
   * @param failed receives the error of an invalid target or a glob without matches; without it,
   * the first such error is thrown
   * @throws PortholeError USAGE; FILE if nothing matches; as {@link session}
   */
  async expand(texts: readonly string[], failed?: (error: unknown) => void): Promise<NamedTarget[]> {
    const found: NamedTarget[] = [];
    for (const text of texts) {
      try {
        const pattern = this.pattern(text);
        found.push(
          ...(pattern ? await this.#inEach(pattern, failed) : await this.#inOne({ text, target: parseNamed(text) })),
        );
      } catch (error) {
        const explained = orLocalFile(text, error);
        if (failed === undefined) throw explained;
        failed(explained);
      }
    }
    return found.map((named) => (named.target.kind === "local" ? named : { ...named, text: shownName(named.text) }));
  }

  async #inOne(named: NamedTarget): Promise<NamedTarget[]> {
    const { target } = named;
    await checkContainerName(target, this.engine);
    if (target.kind === "local" || target.kind === "output" || !(isGlob(target.path) || target.path.includes("\\")))
      return [named];
    const found: NamedTarget[] = [];
    for await (const match of this.#matches(named.text, target)) found.push(match);
    return found;
  }

  /**
   * Expands a glob in each container. Skips a container without a match, unless no container has
   * one.
   */
  async #inEach(pattern: ContainerPattern, failed?: (error: unknown) => void): Promise<NamedTarget[]> {
    const containers = await this.select(pattern);
    this.prepare(containers.map(({ target }) => target));
    const found: NamedTarget[] = [];
    let nothing: unknown;
    for (const turn of containers.map((named) => this.#inOne(named).catch((error: unknown) => ({ error })))) {
      const matches = await turn;
      if (!("error" in matches)) found.push(...matches.map((match) => ({ ...match, isMatch: true, pattern })));
      else if (isNoMatch(matches.error)) nothing = matches.error;
      else if (failed === undefined) throw matches.error;
      else failed(matches.error);
    }
    if (found.length === 0 && nothing !== undefined) throw matchesNothing(pattern.text);
    return found;
  }

  async *#matches(text: string, target: PathTarget): AsyncGenerator<NamedTarget> {
    const session = await this.session(target);
    const { expandGlob, isQuoted } = await import("../../src/files/index.ts");
    let unreadable: PortholeError | undefined;
    const note = (error: PortholeError) => {
      unreadable ??= error;
    };
    const isMatch = !isQuoted(target.path);
    let count = 0;
    for await (const path of expandGlob(session, target.path, { unreadable: note })) {
      count++;
      yield { text: `${session.name}:${path}`, target: withPath(target, path), isMatch };
    }
    if (count > 0) return;
    throw unreadable ?? matchesNothing(text);
  }

  close(): void {
    this.#isClosed = true;
    for (const session of this.#sessions.values()) session.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Maximum number of concurrent attaches. */
const CONNECT_AT_ONCE = 8;

/** Returns the target of a pattern in one container. */
export function selected(pattern: ContainerPattern, name: string): NamedTarget {
  const text = `${name}:${pattern.rest}`;
  return { text, target: parseTarget(text), isMatch: true, pattern };
}

function matchesNothing(text: string): PortholeError {
  return new PortholeError("FILE", `no such file: '${text}' matches nothing`, { errno: "ENOENT" });
}

function isNoMatch(error: unknown): boolean {
  return error instanceof PortholeError && error.code === "FILE" && error.errno === "ENOENT";
}
