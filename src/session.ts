import { AgentClient } from "./agent-client.ts";
import type { OwnedFd } from "./descriptors/owned-fd.ts";
import { PortholeError } from "./errors.ts";
import { checkReceived, OpenFile } from "./open-file.ts";
import { encode } from "./protocol/codec.ts";
import type { AgentRoute } from "./protocol/facts.ts";
import { type AgentFacts, decodeFileFacts, type FileFacts } from "./protocol/facts.ts";
import { FileFactsAt, ListFlag, Op, OpenFlag } from "./protocol/messages.ts";
import { type Attached, type AttachOptions, attachContainer, attachProcess } from "./routes/attach.ts";
import { listLocal, openLocal, readlinkLocal, statLocal, watchLocal } from "./routes/local.ts";
import { removeAgentFiles } from "./routes/registry.ts";
import { IN_CREATE, IN_MODIFY, IN_MOVE_SELF, type InotifyEvent } from "./tail/inotify.ts";
import { parseTarget, pathBytes, pathText, type Target } from "./target.ts";
import { Watcher } from "./watcher.ts";

/** Options of {@link connect}; docs on each are at {@link AttachOptions}. */
export interface ConnectOptions extends Omit<AttachOptions, "route"> {
  /** `auto` (the default) takes a live agent, else the first route that goes. */
  route?: AgentRoute | "auto" | undefined;
  /** Milliseconds for one request to the agent; when they pass the session ends. 10,000 by default. */
  requestTimeoutMs?: number | undefined;
}

/** One name in a directory. */
export interface DirectoryEntry {
  /** Lone surrogates stand for bytes that are not UTF-8, as in every path here. */
  name: string;
  /** `d_type` as in getdents64(2), 0 where unknown. */
  type: number;
  /** Only when asked for and to be had. */
  facts: FileFacts | undefined;
  link: string | undefined;
}

/** A way to a target's files. Files that it opened stay open when it is closed. */
export interface Session extends AsyncDisposable {
  /** Container name, `pid:N`, or empty for this machine. */
  readonly name: string;
  readonly route: AgentRoute | "local";
  /** What the agent says of itself, undefined without one. */
  readonly agent: AgentFacts | undefined;
  /** True when the agent was started for this session, false when it lived already. */
  readonly fresh: boolean;
  /**
   * Opens a file or device there and brings its descriptor here: read-only unless `write`, never blocking (O_NONBLOCK), never created.
   * @throws PortholeError FILE with the errno of the kernel there; SESSION
   */
  open(path: string, options?: { write?: boolean; noFollow?: boolean }): Promise<OpenFile>;
  /** Facts of a path; of a final symbolic link itself with `noFollow`. */
  stat(path: string, options?: { noFollow?: boolean }): Promise<FileFacts>;
  /** A directory's entries, in the directory's own order. Break off whenever you like. */
  list(path: string, options?: { facts?: boolean }): AsyncIterable<DirectoryEntry>;
  /** Target of a symbolic link. */
  readlink(path: string): Promise<string>;
  /**
   * Hears of inotify(7) events of `mask` on `path`, as hints to look again, until the function it resolves with is called.
   * @throws PortholeError FILE with the errno: ENOSPC when the watches are used up
   */
  watch(path: string, mask: number, listener: (event: InotifyEvent) => void): Promise<() => void>;
  /** Why the session ended, undefined while it lives. */
  readonly ended: PortholeError | undefined;
  /** Idempotent. */
  close(): void;
}

const REQUEST_TIMEOUT_MS = 10_000;

/**
 * Connects to a target: `web`, `web:/path` (the path is not used), `pid:123`, a parsed {@link Target}, or a path for this machine.
 * @throws PortholeError USAGE, TARGET, ATTACH, SESSION, CANCELLED
 */
export async function connect(target: string | Target, options: ConnectOptions = {}): Promise<Session> {
  const parsed = typeof target === "string" ? parseSessionTarget(target) : target;
  if (parsed.kind === "local") return new LocalSession();
  const { route, ...rest } = options;
  const attachOptions: AttachOptions = { ...rest, route: route === "auto" ? undefined : route };
  const attach = () =>
    parsed.kind === "process" ? attachProcess(parsed.pid, attachOptions) : attachContainer(parsed.name, attachOptions);
  const name = parsed.kind === "process" ? `pid:${parsed.pid}` : parsed.name;
  // A live agent may be on its way out (idle, its container gone) or of another version: then a new one is started, once.
  for (let attempt = 0; ; attempt++) {
    const attached = await attach();
    try {
      return await connectTo(name, attached, options.requestTimeoutMs);
    } catch (error) {
      if (attached.fresh || attempt > 0) throw error;
      removeAgentFiles(attached.run, attached.file);
    }
  }
}

/** A session with the agent behind `attached`, whose socket it takes. Throws ATTACH for another version, SESSION for no answer. */
export async function connectTo(
  name: string,
  attached: Attached,
  requestTimeoutMs = REQUEST_TIMEOUT_MS,
): Promise<Session> {
  return new AgentSession(name, await AgentClient.open(attached.socket), attached, requestTimeoutMs);
}

/** A target for a session needs no path. */
function parseSessionTarget(text: string): Target {
  if (/^pid:\d+$/.test(text)) return parseTarget(`${text}:/`);
  return /^[^/:.][^/:]*$/.test(text) ? parseTarget(`${text}:/`) : parseTarget(text);
}

class AgentSession implements Session {
  readonly name: string;
  readonly route: AgentRoute;
  readonly fresh: boolean;
  readonly #client: AgentClient;
  readonly #timeoutMs: number;
  readonly #watcher: Watcher;

  constructor(name: string, client: AgentClient, attached: Attached, timeoutMs: number) {
    this.name = name;
    this.#client = client;
    this.route = client.facts.route;
    this.fresh = attached.fresh;
    this.#timeoutMs = timeoutMs;
    this.#watcher = new Watcher(client, timeoutMs);
  }

  async open(path: string, options: { write?: boolean; noFollow?: boolean } = {}): Promise<OpenFile> {
    const flags = (options.write ? OpenFlag.write : 0) | (options.noFollow ? OpenFlag.noFollow : 0);
    const what = this.#cannot("open", path);
    const { body, descriptors } = await this.#ask(what, Op.open, () => encode.open(flags, 0n, pathBytes(path)), 1);
    return this.#received(path, body, descriptors, options.write === true);
  }

  async stat(path: string, options: { noFollow?: boolean } = {}): Promise<FileFacts> {
    const flags = options.noFollow ? OpenFlag.noFollow : 0;
    const { body } = await this.#ask(
      this.#cannot("look at", path),
      Op.stat,
      () => encode.stat(flags, pathBytes(path)),
      0,
    );
    return this.#facts(body);
  }

  async *list(path: string, options: { facts?: boolean } = {}): AsyncGenerator<DirectoryEntry> {
    const what = this.#cannot("list", path);
    const body = this.#encoded(what, () => encode.list(options.facts ? ListFlag.facts : 0, pathBytes(path)));
    for await (const record of this.#client.records(Op.list, body, this.#timeoutMs, what)) {
      if (record.kind !== "entry") throw this.#broken(`a ${record.kind} in a directory`);
      const { name, type, facts, link } = record;
      yield { name: pathText(name), type, facts, link: link && pathText(link) };
    }
  }

  async readlink(path: string): Promise<string> {
    const what = this.#cannot("read the link", path);
    const { body } = await this.#ask(what, Op.readlink, () => encode.readlink(pathBytes(path)), 0);
    return pathText(body);
  }

  watch(path: string, mask: number, listener: (event: InotifyEvent) => void): Promise<() => void> {
    return this.#watcher.add(path, mask, listener);
  }

  get agent(): AgentFacts {
    return this.#client.facts;
  }

  get ended(): PortholeError | undefined {
    return this.#client.ended;
  }

  close(): void {
    this.#watcher.close();
    this.#client.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  #ask(what: string, op: Op, body: () => Uint8Array, mayBring: number) {
    return this.#client.request(op, this.#encoded(what, body), mayBring, this.#timeoutMs, what);
  }

  #encoded(what: string, body: () => Uint8Array): Uint8Array {
    try {
      return body();
    } catch (error) {
      if (!(error instanceof PortholeError)) throw error;
      throw new PortholeError("FILE", `${what}: ${error.message}`, { errno: error.errno, cause: error });
    }
  }

  /** The open file that a reply brought, once the descriptor is what the reply says. */
  #received(path: string, body: Uint8Array, descriptors: OwnedFd[], write: boolean): OpenFile {
    const [fd] = descriptors;
    if (fd === undefined) throw this.#broken("no descriptor for an open file");
    try {
      const facts = this.#facts(body);
      checkReceived(path, fd, facts, write);
      return new OpenFile(path, fd, facts);
    } catch (error) {
      fd.close();
      this.#client.close();
      throw error;
    }
  }

  #facts(body: Uint8Array): FileFacts {
    if (body.length !== FileFactsAt.size) throw this.#broken(`${body.length} bytes of file facts`);
    return decodeFileFacts(body);
  }

  #broken(what: string): PortholeError {
    this.#client.close();
    return new PortholeError("SESSION", `the agent broke the protocol: it sent ${what}`);
  }

  #cannot(verb: string, path: string): string {
    const shown = path.length > 300 ? `${path.slice(0, 300)}...` : path;
    return `cannot ${verb} ${this.name}:${shown}`;
  }
}

/** This machine, without crossing anything. */
class LocalSession implements Session {
  readonly name = "";
  readonly route = "local";
  readonly fresh = false;
  readonly agent = undefined;
  readonly ended = undefined;

  async open(path: string, options: { write?: boolean; noFollow?: boolean } = {}): Promise<OpenFile> {
    const { fd, facts } = openLocal(pathBytes(path), options);
    return new OpenFile(path, fd, facts);
  }

  async stat(path: string, options: { noFollow?: boolean } = {}): Promise<FileFacts> {
    return statLocal(pathBytes(path), options);
  }

  async *list(path: string, options: { facts?: boolean } = {}): AsyncGenerator<DirectoryEntry> {
    for (const { name, type } of listLocal(pathBytes(path))) {
      const text = pathText(name);
      yield {
        name: text,
        type,
        ...(options.facts ? this.#look(`${path}/${text}`) : { facts: undefined, link: undefined }),
      };
    }
  }

  async readlink(path: string): Promise<string> {
    return pathText(readlinkLocal(pathBytes(path)));
  }

  async watch(path: string, mask: number, listener: (event: InotifyEvent) => void): Promise<() => void> {
    return watchLocal(pathBytes(path), (what) => {
      const happened = mask & (what === "content" ? IN_MODIFY : IN_CREATE | IN_MOVE_SELF);
      if (happened !== 0) listener({ watch: 0, mask: happened, name: new Uint8Array(0) });
    });
  }

  #look(path: string): { facts: FileFacts | undefined; link: string | undefined } {
    try {
      const facts = statLocal(pathBytes(path), { noFollow: true });
      const isLink = (facts.mode & 0o170000) === 0o120000;
      return { facts, link: isLink ? pathText(readlinkLocal(pathBytes(path))) : undefined };
    } catch {
      return { facts: undefined, link: undefined };
    }
  }

  close(): void {}

  async [Symbol.asyncDispose](): Promise<void> {}
}
