import { PortholeError } from "./errors.ts";
import { OpenFile } from "./open-file.ts";
import type { FileFacts } from "./protocol/facts.ts";
import { listLocal, openLocal, readlinkLocal, statLocal, watchLocal } from "./routes/local.ts";
import type { DirectoryEntry, Session } from "./session.ts";
import { IN_CREATE, IN_MODIFY, IN_MOVE_SELF, type InotifyEvent } from "./tail/inotify.ts";
import { pathBytes, pathText } from "./target.ts";

/** This machine, without crossing anything. */
export class LocalSession implements Session {
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
