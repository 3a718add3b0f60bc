import { constants, statfsSync } from "node:fs";
import { basename } from "node:path";
import { addInotifyWatch, inotifyInstance, removeInotifyWatch } from "../../descriptors/files/inotify.ts";
import type { InotifyEvent } from "../../descriptors/files/inotify-event.ts";
import type { OwnedFd } from "../../descriptors/owned-fd.ts";
import { PortholeError } from "../../errors.ts";
import type { FileStat } from "../../protocol/file-stat.ts";
import { pathBytes, pathText } from "../../target.ts";
import { consumingError, kindConsumes, nameConsumes } from "../interface/consuming.ts";
import { kindOf, OpenFile } from "../interface/open-file.ts";
import type { DirectoryEntry, OpenOptions, Session } from "../interface/session.ts";
import { InotifyListeners } from "./inotify-listeners.ts";
import { listLocal, openLocal, readlinkLocal, statLocal, statxLocal } from "./open-local.ts";

const nothing = { stat: undefined, link: undefined, errno: undefined };

/** A descriptor that the user passed to this process, such as a shell's `<(command)`. */
const OWN_DESCRIPTOR = /^\/(dev\/(stdin|fd\/\d+)|proc\/(self|thread-self)\/fd\/\d+)$/;

/**
 * Refuses a file whose reading consumes data. Ignores stat errors: the open reports them.
 * @throws PortholeError FILE
 */
export function refuseConsuming(path: string, options: OpenOptions = {}): void {
  if (OWN_DESCRIPTOR.test(path)) return;
  const bytes = pathBytes(path);
  let stat: FileStat;
  try {
    stat = statLocal(bytes, options);
  } catch {
    return;
  }
  const magic = () => statfsSync(bytes).type;
  const isEmptyFile = kindOf(stat.mode) === "file" && stat.size === 0n;
  if (kindConsumes(stat) || (isEmptyFile && nameConsumes(basename(path), magic)))
    throw consumingError(`cannot open ${path}`, stat);
}

/** A session with this machine, without an agent. */
export class LocalSession implements Session {
  readonly name = "";
  readonly route = "local";
  readonly fresh = false;
  readonly instance = "local";
  readonly agent = undefined;
  readonly ended = undefined;
  readonly offline = undefined;
  /** One inotify instance for all watches, as in an agent. */
  readonly #events = new InotifyListeners();

  whyMissing(): undefined {
    return undefined;
  }

  async open(path: string, options: OpenOptions = {}): Promise<OpenFile> {
    if (options.consume !== true) refuseConsuming(path, options);
    const { fd, stat } = openLocal(pathBytes(path), options);
    return new OpenFile(path, fd, stat);
  }

  async stat(path: string, options: { noFollow?: boolean | undefined } = {}): Promise<FileStat> {
    return statxLocal(pathBytes(path), options);
  }

  async *list(path: string, options: { stat?: boolean } = {}): AsyncGenerator<DirectoryEntry> {
    for (const { name, type } of listLocal(pathBytes(path))) {
      const text = pathText(name);
      yield {
        name: text,
        type,
        ...(options.stat ? this.#look(`${path}/${text}`) : nothing),
      };
    }
  }

  async layer(): Promise<undefined> {
    return undefined;
  }

  async readlink(path: string): Promise<string> {
    return pathText(readlinkLocal(pathBytes(path)));
  }

  readEvents(): void {
    this.#events.readQueued();
  }

  async watch(path: string, mask: number, listener: (event: InotifyEvent) => void): Promise<() => void> {
    const instance = this.#instance();
    const watch = addInotifyWatch(instance, pathBytes(path), mask);
    this.#events.add(watch, listener);
    return () => {
      if (this.#events.remove(watch, listener) && !instance.closed) removeInotifyWatch(instance, watch);
    };
  }

  async openProcessFile(pid: number, fd: number, options: Omit<OpenOptions, "noFollow"> = {}): Promise<OpenFile> {
    return this.open(`/proc/${pid}/fd/${fd}`, options);
  }

  processes(): AsyncIterable<never> {
    const refusal = new PortholeError("USAGE", "this machine is not a target of ps: name a container or pid:N");
    return { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(refusal) }) };
  }

  async mounts(): Promise<OpenFile> {
    return this.open("/proc/self/mountinfo");
  }

  #look(path: string): Pick<DirectoryEntry, "stat" | "link" | "errno"> {
    try {
      const stat = statLocal(pathBytes(path), { noFollow: true });
      const isLink = (stat.mode & constants.S_IFMT) === constants.S_IFLNK;
      return { ...nothing, stat, link: isLink ? pathText(readlinkLocal(pathBytes(path))) : undefined };
    } catch (error) {
      return { ...nothing, errno: error instanceof PortholeError ? error.errno : undefined };
    }
  }

  close(): void {
    this.#events.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  #instance(): OwnedFd {
    if (this.#events.descriptor === undefined) this.#events.begin(inotifyInstance());
    return this.#events.descriptor as OwnedFd;
  }
}
