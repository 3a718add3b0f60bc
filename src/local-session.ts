import { PortholeError } from "./errors.ts";
import { OpenFile } from "./open-file.ts";
import type { FileFacts } from "./protocol/facts.ts";
import { listLocal, lookLocal, openLocal, readlinkLocal, statLocal, watchLocal } from "./routes/local.ts";
import type { DirectoryEntry, Session } from "./session.ts";
import { IN_CREATE, IN_MODIFY, IN_MOVE_SELF, type InotifyEvent } from "./tail/inotify.ts";
import { pathBytes, pathText } from "./target.ts";

const nothing = { facts: undefined, link: undefined, errno: undefined };

const NO_NAME = new Uint8Array(0);

/** This machine, without crossing anything. */
export class LocalSession implements Session {
  readonly name = "";
  readonly route = "local";
  readonly fresh = false;
  readonly instance = "local";
  readonly agent = undefined;
  readonly ended = undefined;

  async open(path: string, options: { write?: boolean; noFollow?: boolean } = {}): Promise<OpenFile> {
    const { fd, facts } = openLocal(pathBytes(path), options);
    return new OpenFile(path, fd, facts);
  }

  async stat(path: string, options: { noFollow?: boolean } = {}): Promise<FileFacts> {
    return lookLocal(pathBytes(path), options);
  }

  async *list(path: string, options: { facts?: boolean } = {}): AsyncGenerator<DirectoryEntry> {
    for (const { name, type } of listLocal(pathBytes(path))) {
      const text = pathText(name);
      yield {
        name: text,
        type,
        ...(options.facts ? this.#look(`${path}/${text}`) : nothing),
      };
    }
  }

  async readlink(path: string): Promise<string> {
    return pathText(readlinkLocal(pathBytes(path)));
  }

  async watch(path: string, mask: number, listener: (event: InotifyEvent) => void): Promise<() => void> {
    return watchLocal(pathBytes(path), (what, name) => {
      const named = mask & IN_CREATE ? IN_CREATE : mask & IN_MOVE_SELF;
      const happened = what === "content" ? mask & IN_MODIFY : named;
      // Of a watched file fs.watch gives the file's own name, where inotify gives none.
      if (happened !== 0)
        listener({ watch: 0, mask: happened, cookie: 0, name: happened === IN_CREATE ? name : NO_NAME });
    });
  }

  async openProcessFile(pid: number, fd: number, options: { write?: boolean } = {}): Promise<OpenFile> {
    return this.open(`/proc/${pid}/fd/${fd}`, options);
  }

  processes(): AsyncIterable<never> {
    const refusal = new PortholeError("USAGE", "name a container or pid:N to see its processes");
    return { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(refusal) }) };
  }

  async mounts(): Promise<OpenFile> {
    return this.open("/proc/self/mountinfo");
  }

  #look(path: string): Pick<DirectoryEntry, "facts" | "link" | "errno"> {
    try {
      const facts = statLocal(pathBytes(path), { noFollow: true });
      const isLink = (facts.mode & 0o170000) === 0o120000;
      return { ...nothing, facts, link: isLink ? pathText(readlinkLocal(pathBytes(path))) : undefined };
    } catch (error) {
      return { ...nothing, errno: error instanceof PortholeError ? error.errno : undefined };
    }
  }

  close(): void {}

  async [Symbol.asyncDispose](): Promise<void> {}
}
