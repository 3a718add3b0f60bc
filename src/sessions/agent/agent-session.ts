import { errnoName } from "../../descriptors/errno.ts";
import { discard } from "../../descriptors/files/discard.ts";
import type { InotifyEvent } from "../../descriptors/files/inotify-event.ts";
import { statx } from "../../descriptors/files/statx.ts";
import type { OwnedFd } from "../../descriptors/owned-fd.ts";
import type { RunningContainer } from "../../engines/containers/container-state.ts";
import { PortholeError } from "../../errors.ts";
import type { AgentInfo, AgentRoute } from "../../protocol/agent-info.ts";
import type { Reply } from "../../protocol/channel.ts";
import { encode } from "../../protocol/codec.ts";
import { decodeFileClaim, decodeFileStat, decodeOpened, type FileStat } from "../../protocol/file-stat.ts";
import { FileStatAt, ListFlag, Op, OpenFlag, ProcessesFlag } from "../../protocol/messages.ts";
import type { ProcessesRecord } from "../../protocol/records.ts";
import { violation } from "../../protocol/violation.ts";
import type { Attachment } from "../../routes/agents/attachment.ts";
import type { OfflineKind } from "../../routes/agents/registry.ts";
import { pathBytes, pathText } from "../../target.ts";
import { kindOf, OpenFile } from "../interface/open-file.ts";
import type { DirectoryEntry, FileLayer, OpenOptions, Session } from "../interface/session.ts";
import { statOf } from "../local/open-local.ts";
import type { AgentClient } from "./agent-client.ts";
import { AgentTarget } from "./agent-target.ts";
import { checkPipe, checkReceived } from "./check-received.ts";
import { OpenFailures } from "./open-failures.ts";
import { Watcher } from "./watcher.ts";

/** A magic link (proc(5)), which an open with RESOLVE_IN_ROOT refuses to follow. */
const PROCESS_FILE = /^\/proc\/(\d{1,10})\/fd\/(\d{1,10})$/;

/** Longer names are on FUSE only, whose files are relayed. */
const MAX_NAME = 255;

/** A session with an agent. */
export class AgentSession implements Session {
  readonly name: string;
  readonly route: AgentRoute;
  readonly fresh: boolean;
  readonly instance: string;
  readonly noEvents: string | undefined;
  readonly #client: AgentClient;
  readonly #timeoutMs: number;
  readonly #watcher: Watcher;
  readonly #target: AgentTarget;
  readonly #failures: OpenFailures;

  constructor(name: string, client: AgentClient, attached: Attachment, timeoutMs: number) {
    this.name = name;
    this.#client = client;
    this.route = client.info.route;
    this.fresh = attached.fresh;
    this.instance = attached.file;
    this.noEvents = attached.noEvents;
    this.#timeoutMs = timeoutMs;
    this.#watcher = new Watcher(client, timeoutMs);
    this.#target = new AgentTarget(name, attached);
    this.#failures = new OpenFailures(this.#target, client.info, {
      stat: (path) => this.#look(this.#cannot("stat", path), path, {}),
      readlink: (path) => this.readlink(path),
    });
  }

  get offline(): OfflineKind | undefined {
    return this.#target.offline;
  }

  get container(): RunningContainer | undefined {
    return this.#target.container;
  }

  async open(path: string, options: OpenOptions = {}): Promise<OpenFile> {
    const ofProcess = path.startsWith("/proc/") ? PROCESS_FILE.exec(path) : null;
    if (ofProcess !== null) return this.openProcessFile(Number(ofProcess[1]), Number(ofProcess[2]), options);
    const what = this.#cannot("open", path);
    let reply: Reply<OwnedFd>;
    try {
      reply = await this.#askToOpen(what, path, options);
    } catch (error) {
      const leadsTo = await this.#failures.leadsTo(what, path, options, this.#failures.missing(path, error));
      reply = await this.#askToOpen(what, leadsTo, options).catch((failure: unknown) => {
        throw this.#failures.missing(leadsTo, failure);
      });
    }
    return this.#received(path, reply, options);
  }

  #askToOpen(what: () => string, path: string, options: OpenOptions): Promise<Reply<OwnedFd>> {
    const flags = this.#openFlags(options) | (options.noFollow ? OpenFlag.noFollow : 0);
    const body = () => encode.open(flags, options.offset ?? 0n, pathBytes(path));
    return this.#ask(what, Op.open, body, 1);
  }

  async openMany(directory: string, names: readonly string[]): Promise<(OpenFile | undefined)[]> {
    // Files that this machine cannot check must be relayed, so they are opened one by one.
    if (this.#openFlags({}) !== 0) return [];
    const all = names.map((name) => pathBytes(name));
    if (all.some(({ length }) => length > MAX_NAME)) return [];
    const request = () => encode.openMany(pathBytes(directory), all);
    const { body, descriptors } = await this.#ask(this.#cannot("open", directory), Op.openMany, request, names.length);
    const below = directory.endsWith("/") ? directory : `${directory}/`;
    try {
      const files: (OpenFile | undefined)[] = [];
      for (const [index, { at, stat }] of decodeOpened(body, names.length, descriptors.length).entries()) {
        const fd = descriptors[index] as OwnedFd;
        const path = `${below}${names[at]}`;
        const promised = decodeFileClaim(stat);
        if (kindOf(promised.mode) !== "file" || promised.relayed || promised.consuming)
          throw violation("a file that must be opened by a request of its own");
        checkReceived(path, fd, promised, {}, this.#target.trust);
        files[at] = new OpenFile(path, fd, () => decodeFileStat(stat));
      }
      return files;
    } catch (error) {
      for (const fd of descriptors) discard(fd);
      throw this.#endFor(error);
    }
  }

  async openProcessFile(pid: number, fd: number, options: Omit<OpenOptions, "noFollow"> = {}): Promise<OpenFile> {
    const path = `/proc/${pid}/fd/${fd}`;
    const body = () => encode.openProcessFd(this.#openFlags(options), pid, fd, options.offset ?? 0n);
    try {
      const reply = await this.#ask(this.#cannot("open", path), Op.openProcessFd, body, 1);
      return await this.#received(path, reply, options);
    } catch (error) {
      throw this.#failures.ofProcessFile(path, error);
    }
  }

  whyMissing(path: string): string | undefined {
    return this.#target.whyMissing(path);
  }

  async *processes(options: { files?: boolean } = {}): AsyncGenerator<ProcessesRecord> {
    this.#target.requireProcesses();
    const body = encode.processes(options.files ? ProcessesFlag.files : 0);
    const what = () => `cannot list the processes of ${this.name}`;
    for await (const records of this.#client.records(Op.processes, body, this.#timeoutMs, what)) {
      for (const record of records) {
        if (record.kind === "entry") throw this.#broken("a directory entry in a process list");
        yield record;
      }
    }
  }

  async mounts(): Promise<OpenFile> {
    const what = () => `cannot read the mounts of ${this.name}`;
    const { id, descriptors } = await this.#ask(what, Op.mounts, encode.mounts, 1);
    const [fd] = descriptors;
    if (fd === undefined) throw this.#broken("no descriptor for the mounts");
    try {
      checkPipe("the mounts", fd);
      return new OpenFile("/proc/self/mountinfo", fd, { ...statOf(statx(fd)), relayed: true }, () =>
        this.#relayEnd(id, "/proc/self/mountinfo"),
      );
    } catch (error) {
      discard(fd);
      throw this.#endFor(error);
    }
  }

  async stat(path: string, options: { noFollow?: boolean | undefined } = {}): Promise<FileStat> {
    const what = this.#cannot("stat", path);
    try {
      return await this.#look(what, path, options);
    } catch (error) {
      // A follower polls a path that does not exist: ENOENT costs no second request.
      if (!(error instanceof PortholeError) || error.errno === "ENOENT") throw error;
      return this.#look(what, await this.#failures.leadsTo(what, path, options, error), options);
    }
  }

  async #look(what: () => string, path: string, options: { noFollow?: boolean | undefined }): Promise<FileStat> {
    const flags = options.noFollow ? OpenFlag.noFollow : 0;
    const request = () => encode.stat(flags, pathBytes(path));
    const { body } = await this.#ask(what, Op.stat, request, 0).catch((error: unknown) => {
      throw this.#failures.missing(path, error);
    });
    return this.#stat(body);
  }

  async *list(path: string, options: { stat?: boolean } = {}): AsyncGenerator<DirectoryEntry> {
    const what = this.#cannot("list", path);
    const body = this.#encoded(what, () => encode.list(options.stat ? ListFlag.stat : 0, pathBytes(path)));
    for await (const records of this.#client.records(Op.list, body, this.#timeoutMs, what)) {
      for (const record of records) {
        if (record.kind !== "entry") throw this.#broken(`a ${record.kind} in a directory`);
        const { name, type, link, error } = record;
        // If only the link text is missing, stat is valid. A mode of 0 means that stat failed.
        const stat = record.stat?.mode === 0 ? undefined : record.stat;
        const errno = error === 0 ? undefined : errnoName(error);
        yield { name: pathText(name), type, stat, link: link && pathText(link), errno };
      }
    }
  }

  async layer(path: string, options: { noFollow?: boolean | undefined } = {}): Promise<FileLayer | undefined> {
    const { layers } = this.#target;
    if (layers.length === 0) return undefined;
    const what = this.#cannot("find the layer of", path);
    const flags = options.noFollow ? OpenFlag.noFollow : 0;
    try {
      const { body } = await this.#ask(what, Op.layer, () => encode.layer(flags, pathBytes(path)), 0);
      const role =
        body.length === 4 ? layers[new DataView(body.buffer, body.byteOffset).getUint32(0, true)] : undefined;
      if (role === undefined) throw this.#broken("an unknown layer");
      return role.kind === "image" ? { ...role, ...(await this.#target.imageLayers())[role.number - 1] } : role;
    } catch (error) {
      // The file is not in a layer, or the agent could not open the layers.
      if (error instanceof PortholeError && ["ENODATA", "ENOTSUP"].includes(error.errno ?? "")) return undefined;
      throw error;
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

  readEvents(): void {
    this.#watcher.readQueued();
  }

  get agent(): AgentInfo {
    return this.#client.info;
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

  #ask(what: () => string, op: Op, body: () => Uint8Array, maxFds: number) {
    return this.#client.request(op, this.#encoded(what, body), maxFds, this.#timeoutMs, what);
  }

  #encoded(what: () => string, body: () => Uint8Array): Uint8Array {
    try {
      return body();
    } catch (error) {
      if (error instanceof RangeError)
        throw new PortholeError("USAGE", `${what()}: ${error.message}`, { cause: error });
      if (!(error instanceof PortholeError)) throw error;
      throw new PortholeError("FILE", `${what()}: ${error.message}`, { errno: error.errno, cause: error });
    }
  }

  /** Returns the open file of a reply, after checking its descriptor against the reply. */
  #received(
    path: string,
    { id, body, descriptors }: Reply<OwnedFd>,
    options: OpenOptions,
  ): OpenFile | Promise<OpenFile> {
    const [fd] = descriptors;
    if (fd === undefined) return this.#refused(path, body, options);
    try {
      this.#checkStatSize(body);
      const promised = decodeFileClaim(body);
      checkReceived(path, fd, promised, { ...options, relay: this.#target.relays.lazy }, this.#target.trust);
      const end = promised.relayed ? () => this.#relayEnd(id, path) : undefined;
      return new OpenFile(path, fd, () => decodeFileStat(body), end);
    } catch (error) {
      discard(fd);
      throw this.#endFor(error);
    }
  }

  /** A reply without a descriptor describes a file that the agent did not open. */
  async #refused(path: string, body: Uint8Array, { consume }: OpenOptions): Promise<OpenFile> {
    if (body.length !== FileStatAt.size || !decodeFileClaim(body).consuming || consume === true)
      throw this.#broken("no descriptor for an open file");
    throw await this.#failures.consuming(this.#sentence("open", path), this.#stat(body));
  }

  /**
   * Queries how a relayed file ended; `id` is the request that opened it.
   * @returns its size in bytes
   * @throws PortholeError FILE with the errno that ended it; EIO if the agent does not know
   */
  async #relayEnd(id: number, path: string): Promise<bigint> {
    const what = () => `${this.#sentence("read", path)} to its end`;
    try {
      const { body } = await this.#ask(what, Op.relayEnd, () => encode.relayEnd(id), 0);
      if (body.length !== 8) throw this.#broken(`${body.length} bytes for the end of a file`);
      return new DataView(body.buffer, body.byteOffset).getBigUint64(0, true);
    } catch (error) {
      // EAGAIN: the agent's reader ended before the end of the file.
      const { errno, code } = error as PortholeError;
      if (code === "FILE" && errno !== "EAGAIN" && errno !== "ENOENT") throw error;
      throw new PortholeError("FILE", `${what()}: truncated`, { errno: "EIO", cause: error });
    }
  }

  #openFlags({ write, consume }: OpenOptions): number {
    const { all } = this.#target.relays;
    return (write ? OpenFlag.write : 0) | (all ? OpenFlag.relay : 0) | (consume ? OpenFlag.consume : 0);
  }

  #stat(body: Uint8Array): FileStat {
    this.#checkStatSize(body);
    return decodeFileStat(body);
  }

  #checkStatSize(body: Uint8Array): void {
    if (body.length !== FileStatAt.size) throw this.#broken(`${body.length} bytes of file stat`);
  }

  #broken(what: string): PortholeError {
    return this.#client.end(violation(what));
  }

  /** Ends the session after a protocol violation, and returns the reason of its end. */
  #endFor(error: unknown): unknown {
    const isViolation = error instanceof PortholeError;
    // The mounts of a process that has ended are in no table of this machine.
    const why = isViolation && this.#target.hasEnded ? targetEnded(error) : error;
    const reason = this.#client.end(why instanceof PortholeError ? why : undefined);
    return isViolation ? reason : error;
  }

  #cannot(verb: string, path: string): () => string {
    return () => this.#sentence(verb, path);
  }

  #sentence(verb: string, path: string): string {
    const shown = path.length > 300 ? `${path.slice(0, 300)}...` : path;
    return `cannot ${verb} ${this.name}:${shown}`;
  }
}

function targetEnded(cause: PortholeError): PortholeError {
  return new PortholeError("SESSION", "the target has just ended", { errno: "ESRCH", hint: "try again", cause });
}
