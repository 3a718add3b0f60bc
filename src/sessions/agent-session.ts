import { normalize } from "node:path";
import { discard } from "../descriptors/discard.ts";
import { errnoName } from "../descriptors/errno.ts";
import { addMountTable, canClassifyRoot } from "../descriptors/file-system.ts";
import type { InotifyEvent } from "../descriptors/inotify-event.ts";
import type { OwnedFd } from "../descriptors/owned-fd.ts";
import { statx } from "../descriptors/statx.ts";
import type { ImageLayer } from "../engines/image-layers.ts";
import type { MissingPath } from "../engines/layers.ts";
import { PortholeError } from "../errors.ts";
import type { AgentInfo, AgentRoute } from "../protocol/agent-info.ts";
import type { Reply } from "../protocol/channel.ts";
import { encode } from "../protocol/codec.ts";
import { decodeFileClaim, decodeFileStat, decodeOpened, type FileStat } from "../protocol/file-stat.ts";
import { FileStatAt, ListFlag, Op, OpenFlag, ProcessesFlag } from "../protocol/messages.ts";
import type { ProcessesRecord } from "../protocol/records.ts";
import { violation } from "../protocol/violation.ts";
import type { Attachment } from "../routes/attachment.ts";
import { type OfflineKind, offlineKindOf, readRecord, routeOf } from "../routes/registry.ts";
import { pathBytes, pathText } from "../target.ts";
import type { AgentClient } from "./agent-client.ts";
import { type AgentTrust, checkPipe, checkReceived } from "./check-received.ts";
import { consumingError } from "./consuming.ts";
import { deniedOnMountRouteError, ownDescriptorError, ownStream, unfollowedLinkError } from "./explanations.ts";
import { followLinks } from "./follow-links.ts";
import { kindOf, OpenFile } from "./open-file.ts";
import { statOf } from "./open-local.ts";
import { streamNumbered, streamOf } from "./own-output.ts";
import type { DirectoryEntry, FileLayer, OpenOptions, Session } from "./session.ts";
import { Watcher } from "./watcher.ts";

/** A magic link (proc(5)), which an open with RESOLVE_IN_ROOT refuses to follow. */
const PROCESS_FILE = /^\/proc\/(\d{1,10})\/fd\/(\d{1,10})$/;

/** Longer names are on FUSE only, whose files are relayed. */
const LONGEST_NAME = 255;

/** A session with an agent. */
export class AgentSession implements Session {
  readonly name: string;
  readonly route: AgentRoute;
  readonly fresh: boolean;
  readonly instance: string;
  readonly offline: OfflineKind | undefined;
  readonly #client: AgentClient;
  readonly #timeoutMs: number;
  readonly #watcher: Watcher;
  readonly #attached: Attachment;
  readonly #trust: AgentTrust;
  #relaysAll: boolean | undefined;
  #isLazy = false;
  #described: Promise<ImageLayer[]> | undefined;
  #absent: readonly MissingPath[] | undefined;

  constructor(name: string, client: AgentClient, attached: Attachment, timeoutMs: number) {
    this.name = name;
    this.#client = client;
    this.route = client.info.route;
    this.fresh = attached.fresh;
    this.instance = attached.file;
    this.#timeoutMs = timeoutMs;
    this.#watcher = new Watcher(client, timeoutMs);
    this.#attached = attached;
    // From our own record: the route in the agent's description is its own claim.
    this.offline = offlineKindOf(attached.file);
    // An agent of an offline target shares nothing with a process of the target.
    const isOurs = routeOf(attached.file) === "direct" || this.offline !== undefined;
    this.#trust = isOurs ? "own process" : "stranger";
  }

  async open(path: string, options: OpenOptions = {}): Promise<OpenFile> {
    const ofProcess = PROCESS_FILE.exec(path);
    if (ofProcess !== null) return this.openProcessFile(Number(ofProcess[1]), Number(ofProcess[2]), options);
    const what = this.#cannot("open", path);
    let reply: Reply<OwnedFd>;
    try {
      reply = await this.#askToOpen(what, path, options);
    } catch (error) {
      const leadsTo = await this.#leadsTo(what, path, options, error);
      reply = await this.#askToOpen(what, leadsTo, options);
    }
    return this.#received(path, reply, options);
  }

  #askToOpen(what: () => string, path: string, options: OpenOptions): Promise<Reply<OwnedFd>> {
    const flags = this.#openFlags(options) | (options.noFollow ? OpenFlag.noFollow : 0);
    const body = () => encode.open(flags, options.offset ?? 0n, pathBytes(path));
    return this.#ask(what, Op.open, body, 1).catch(this.#explain(path));
  }

  async openMany(directory: string, names: readonly string[]): Promise<(OpenFile | undefined)[]> {
    // Files that this machine cannot check are opened one by one, to be relayed.
    if (this.#openFlags({}) !== 0) return [];
    const all = names.map((name) => pathBytes(name));
    if (all.some(({ length }) => length > LONGEST_NAME)) return [];
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
          throw violation("one of many files that has to be opened by itself");
        checkReceived(path, fd, promised, {}, this.#trust);
        files[at] = new OpenFile(path, fd, () => decodeFileStat(stat));
      }
      return files;
    } catch (error) {
      for (const fd of descriptors) discard(fd);
      this.#endFor(error);
      throw error;
    }
  }

  async openProcessFile(pid: number, fd: number, options: Omit<OpenOptions, "noFollow"> = {}): Promise<OpenFile> {
    const path = `/proc/${pid}/fd/${fd}`;
    const body = () => encode.openProcessFd(this.#openFlags(options), pid, fd, options.offset ?? 0n);
    try {
      const reply = await this.#ask(this.#cannot("open", path), Op.openProcessFd, body, 1);
      return await this.#received(path, reply, options);
    } catch (error) {
      throw this.#isDenied(error) ? deniedOnMountRouteError(error, path, undefined) : error;
    }
  }

  whyMissing(path: string): string | undefined {
    if (this.offline === undefined) return undefined;
    this.#absent ??= readRecord(this.#attached.run, this.#attached.file)?.absent ?? [];
    const plain = normalize(path);
    const found = this.#absent.find(({ path: at }) => plain === at || plain.startsWith(`${at}/`));
    return found && `${found.path} ${found.why}`;
  }

  async *processes(options: { files?: boolean } = {}): AsyncGenerator<ProcessesRecord> {
    if (this.offline !== undefined) {
      const what = this.offline === "stopped" ? "the container does not run" : `${this.offline}s do not run`;
      throw new PortholeError("TARGET", `'${this.name}' has no processes: ${what}`, { errno: "ESRCH" });
    }
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
        this.#relayEnd(id),
      );
    } catch (error) {
      discard(fd);
      this.#endFor(error);
      throw error;
    }
  }

  async stat(path: string, options: { noFollow?: boolean } = {}): Promise<FileStat> {
    const what = this.#cannot("stat", path);
    try {
      return await this.#look(what, path, options);
    } catch (error) {
      // A follower polls a path that does not exist: ENOENT costs no second request.
      if (!(error instanceof PortholeError) || error.errno === "ENOENT") throw error;
      return this.#look(what, await this.#leadsTo(what, path, options, error), options);
    }
  }

  async #look(what: () => string, path: string, options: { noFollow?: boolean }): Promise<FileStat> {
    const flags = options.noFollow ? OpenFlag.noFollow : 0;
    const request = () => encode.stat(flags, pathBytes(path));
    const { body } = await this.#ask(what, Op.stat, request, 0).catch(this.#explain(path));
    return this.#stat(body);
  }

  /**
   * Resolves links that the agent did not follow. A path that leads to a link of a process is
   * opened by that link's own path.
   * @throws PortholeError FILE: `error`, or an error that explains it and names the remedy
   */
  async #leadsTo(what: () => string, path: string, options: { noFollow?: boolean }, error: unknown): Promise<string> {
    if (!(error instanceof PortholeError) || error.code !== "FILE" || options.noFollow) throw error;
    if (error.errno === "ELOOP" || error.errno === "ENOENT") {
      const leadsTo = await followLinks(path, (link) => this.readlink(link));
      if (error.errno === "ELOOP" && leadsTo !== path && /^\/proc\/\d+\/(root|cwd|exe|fd\/\d+)(\/|$)/.test(leadsTo))
        return leadsTo;
      throw (
        ownDescriptorError(what(), leadsTo, await this.#outputHint(leadsTo), error) ??
        unfollowedLinkError(what(), leadsTo, error) ??
        error
      );
    }
    if (!this.#isDenied(error)) throw error;
    const owner = await this.#look(what, path, {}).then(
      ({ uid }) => (uid === this.agent.uid ? undefined : uid),
      () => undefined,
    );
    throw deniedOnMountRouteError(error, path, owner);
  }

  /** True if the container's own rules may have refused the access. */
  #isDenied(error: unknown): error is PortholeError {
    return error instanceof PortholeError && error.errno === "EACCES" && this.route === "mount";
  }

  /**
   * Which target shows the container's output that a path leads to; undefined if no engine keeps
   * it.
   */
  async #outputHint(leadsTo: string): Promise<string | undefined> {
    const number = ownStream(leadsTo);
    if (number === undefined) return undefined;
    if (this.offline === "image") return "only a container of the image has output: CONTAINER:@logs shows it";
    if (!this.#isContainer) return undefined;
    return `${this.name}:${await streamNumbered(number, (path) => this.#look(() => path, path, {}))} shows it`;
  }

  /** False for a process, an image and a volume: no engine keeps output of those. */
  get #isContainer(): boolean {
    if (this.offline !== undefined) return this.offline === "stopped";
    return (readRecord(this.#attached.run, this.#attached.file)?.engine ?? "") !== "";
  }

  /** Why a file was not opened. The engine keeps the output of the first process. */
  async #consuming(path: string, stat: FileStat): Promise<PortholeError> {
    const what = this.#sentence("open", path);
    const stream = this.#isContainer ? await streamOf(stat, (of) => this.#look(() => what, of, {})) : undefined;
    return consumingError(what, stat, stream && `${this.name}:${stream}`);
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

  async layer(path: string, options: { noFollow?: boolean } = {}): Promise<FileLayer | undefined> {
    const layers = readRecord(this.#attached.run, this.#attached.file)?.layers ?? [];
    if (layers.length === 0) return undefined;
    const what = this.#cannot("find the layer of", path);
    const flags = options.noFollow ? OpenFlag.noFollow : 0;
    try {
      const { body } = await this.#ask(what, Op.layer, () => encode.layer(flags, pathBytes(path)), 0);
      const role =
        body.length === 4 ? layers[new DataView(body.buffer, body.byteOffset).getUint32(0, true)] : undefined;
      if (role === undefined) throw this.#broken("a layer that its root has not");
      return role.kind === "image" ? { ...role, ...(await this.#imageLayers())[role.number - 1] } : role;
    } catch (error) {
      // From none of them, or the agent could not open them.
      if (error instanceof PortholeError && ["ENODATA", "EOPNOTSUPP"].includes(error.errno ?? "")) return undefined;
      throw error;
    }
  }

  /** As the engine describes them; none where it does not. */
  #imageLayers(): Promise<ImageLayer[]> {
    this.#described ??= this.#askForLayers().catch(() => []);
    return this.#described;
  }

  async #askForLayers(): Promise<ImageLayer[]> {
    const record = readRecord(this.#attached.run, this.#attached.file);
    if (record === undefined || record.engine === "") return [];
    const { imageLayerList } = await import("../engines/image-layers.ts");
    return imageLayerList(record.engine, { id: record.identity, isImage: this.offline === "image" });
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
      if (!(error instanceof PortholeError)) throw error;
      throw new PortholeError("FILE", `${what()}: ${error.message}`, { errno: error.errno, cause: error });
    }
  }

  /** The open file of a reply, after its descriptor is checked against the reply. */
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
      checkReceived(path, fd, promised, { ...options, relay: this.#isLazy }, this.#trust);
      const end = promised.relayed ? () => this.#relayEnd(id) : undefined;
      return new OpenFile(path, fd, () => decodeFileStat(body), end);
    } catch (error) {
      discard(fd);
      this.#endFor(error);
      throw error;
    }
  }

  /** A reply without a descriptor describes a file that the agent did not open. */
  async #refused(path: string, body: Uint8Array, { consume }: OpenOptions): Promise<OpenFile> {
    if (body.length !== FileStatAt.size || !decodeFileClaim(body).consuming || consume === true)
      throw this.#broken("no descriptor for an open file");
    throw await this.#consuming(path, this.#stat(body));
  }

  /**
   * Asks how a relayed file ended; `id` is the request that opened it.
   * @returns its size in bytes
   * @throws PortholeError FILE with the errno that ended it; EIO if the agent does not know
   */
  async #relayEnd(id: number): Promise<bigint> {
    const what = () => `the agent could not read the file of ${this.name} to its end`;
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

  /**
   * An untrusted agent must relay everything if this machine cannot check its descriptors. Every
   * agent must if the target's layers may wait for a program.
   */
  #openFlags({ write, consume }: OpenOptions): number {
    this.#relaysAll ??= this.#mustRelay();
    return (write ? OpenFlag.write : 0) | (this.#relaysAll ? OpenFlag.relay : 0) | (consume ? OpenFlag.consume : 0);
  }

  #mustRelay(): boolean {
    const { targetPid: pid = 0, lazyDriver } = readRecord(this.#attached.run, this.#attached.file) ?? {};
    addMountTable(pid);
    this.#isLazy = lazyDriver !== undefined;
    return this.#isLazy || (this.#trust === "stranger" && !canClassifyRoot(pid));
  }

  #stat(body: Uint8Array): FileStat {
    this.#checkStatSize(body);
    return decodeFileStat(body);
  }

  #checkStatSize(body: Uint8Array): void {
    if (body.length !== FileStatAt.size) throw this.#broken(`${body.length} bytes of file stat`);
  }

  #broken(what: string): PortholeError {
    const error = violation(what);
    this.#client.close(error);
    return error;
  }

  /** A protocol violation ends the session and becomes its reason. */
  #endFor(error: unknown): void {
    this.#client.close(error instanceof PortholeError ? error : undefined);
  }

  /** Adds the reason why a file is missing, if it is known. */
  #explain(path: string): (error: unknown) => never {
    return (error) => {
      const why = error instanceof PortholeError && error.errno === "ENOENT" ? this.whyMissing(path) : undefined;
      if (why === undefined || !(error instanceof PortholeError)) throw error;
      throw new PortholeError("FILE", error.message, {
        errno: error.errno,
        hint: `${why}, so its contents are gone`,
        cause: error,
      });
    };
  }

  #cannot(verb: string, path: string): () => string {
    return () => this.#sentence(verb, path);
  }

  #sentence(verb: string, path: string): string {
    const shown = path.length > 300 ? `${path.slice(0, 300)}...` : path;
    return `cannot ${verb} ${this.name}:${shown}`;
  }
}
