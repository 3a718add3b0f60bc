import { DT_DIR, DT_LNK, isTerminal } from "../../src/descriptors/index.ts";
import { PortholeError } from "../../src/errors.ts";
import {
  isGoneProcess,
  isStatFailed,
  joinPath,
  Lookahead,
  PendingDirectories,
  readNames,
  typeOf,
  UsageCounter,
} from "../../src/files/index.ts";
import type { Session } from "../../src/sessions/index.ts";
import { pathBytes } from "../../src/target.ts";
import { complain, exitStatus, printable, report } from "../io/fail.ts";
import { write } from "../io/output.ts";
import { isLaterPart, isPartOfSeveral } from "../io/part-of-several.ts";
import { filesLine, Progress } from "../io/progress.ts";
import { type Directory, Entries, type Items } from "../ls/entries.ts";
import type { Item } from "../ls/item.ts";
import { type ListFormat, listFormat } from "../ls/list-format.ts";
import type { LsOptions } from "../ls/options.ts";
import { sortItems } from "../ls/order.ts";
import { type NamedTarget, SessionPool } from "../targets/session-pool.ts";

/** `porthole ls`: lists the targets. Continues after a failure and returns the highest status. */
export async function ls(texts: string[], given: LsOptions): Promise<number> {
  // The size column of -l shows the totals.
  const options = (given.total && !given.json) || given.numericUidGid ? { ...given, l: true } : given;
  using lister = new Lister(options, await listFormat(options));
  await lister.run(texts);
  return lister.status;
}

/** A session, and the names and totals that its files share. */
interface SessionContext {
  session: Session;
  users: Map<number, string> | undefined;
  groups: Map<number, string> | undefined;
  usage: UsageCounter;
}

interface Found {
  item: Item;
  context: SessionContext;
}

class Lister {
  status = 0;
  readonly #options: LsOptions;
  readonly #format: ListFormat;
  readonly #sessions: SessionPool;
  readonly #contexts = new Map<Session, SessionContext>();
  readonly #needsStat: boolean;
  /** The progress line; set only with --total, which visits every file. */
  readonly #progress: Progress | undefined;
  #added = { files: 0, bytes: 0n };
  #pending = "";
  #isFirst = !isLaterPart();

  constructor(options: LsOptions, format: ListFormat) {
    this.#options = options;
    this.#format = format;
    this.#sessions = new SessionPool(options);
    const { l, t, S, json, inode, classify } = options;
    this.#needsStat = [l, t, S, json, inode, classify].includes(true) || format.needsStat;
    this.#progress = options.total && isTerminal(2) ? new Progress() : undefined;
  }

  async run(texts: string[]): Promise<void> {
    const targets = await this.#sessions.expand(texts, (error) => this.#failed(error));
    const files: Found[] = [];
    const directories: Found[] = [];
    for (const named of targets) {
      try {
        const found = await this.#look(named);
        (found.item.type === DT_DIR && !this.#options.directory ? directories : files).push(found);
      } catch (error) {
        this.#failed(error);
      }
    }
    for (const { item, context } of files) await this.#complete(context, item);
    if (files.length > 0)
      this.#print(
        undefined,
        sortItems(
          files.map(({ item }) => item),
          this.#options,
        ),
      );
    const byItem = new Map(directories.map((found) => [found.item, found]));
    const isTitled = targets.length > 1 || isPartOfSeveral() || this.#options.recursive === true;
    for (const item of sortItems(
      directories.map((found) => found.item),
      this.#options,
    )) {
      const found = byItem.get(item);
      if (found !== undefined) await this.#list(found, isTitled).catch((error) => this.#failed(error));
    }
    this.#flush();
  }

  [Symbol.dispose](): void {
    this.#sessions.close();
  }

  /** Follows a named symbolic link to a directory, except with -l, -d, -F and --json. */
  async #look({ text, target }: NamedTarget): Promise<Found> {
    const context = await this.#context(await this.#sessions.session(target));
    const { session } = context;
    const { path } = target;
    const { l, directory, json, classify } = this.#options;
    const itself = [l, directory, json, classify].includes(true);
    let stat = itself ? undefined : await session.stat(path).catch(onlyFileErrors);
    if (stat === undefined || typeOf(stat) !== DT_DIR)
      stat = await session.stat(path, { noFollow: !path.endsWith("/") });
    const link = typeOf(stat) === DT_LNK ? await session.readlink(path) : undefined;
    return { context, item: { ...this.#item(context, text, text, path), type: typeOf(stat), stat, link } };
  }

  async #list({ item, context }: Found, isTitled: boolean): Promise<void> {
    const absence = context.session.whyMissing(item.path);
    if (absence !== undefined) complain(printable(`${item.target}: ${absence}, so its contents are gone`));
    const lookahead = new Lookahead(context.session, { stat: this.#needsStat });
    const pending = new PendingDirectories<Directory>();
    const below = (parent: Directory, name: string): Directory => ({
      ...parent,
      target: joinPath(parent.target, name),
      path: joinPath(parent.path, name),
    });
    const { target, path } = item;
    const { users, groups } = context;
    const entries = new Entries({ target, path, users, groups });
    try {
      for (;;) {
        if (await this.#read(context, lookahead, entries)) {
          entries.sort(this.#options);
          this.#print(isTitled ? entries.directory.target : undefined, entries, true);
          if (this.#options.recursive) this.#descend(pending, entries);
        }
        lookahead.expect(pending.peek(8).map(({ parent, name }) => joinPath(parent.path, name)));
        const next = pending.shift();
        if (next === undefined) return;
        entries.clear(below(next.parent, next.name));
      }
    } finally {
      await lookahead.close();
    }
  }

  #descend(pending: PendingDirectories<Directory>, entries: Entries): void {
    try {
      pending.push(entries.directory, directoriesOf(entries));
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Reads the entries of a directory. Returns false if no entry could be read. */
  async #read(context: SessionContext, lookahead: Lookahead, entries: Entries): Promise<boolean> {
    const { all, almostAll } = this.#options;
    const at = entries.directory;
    try {
      for await (const entry of lookahead.list(at.path)) {
        const { name, type, stat, errno } = entry;
        if (name.startsWith(".") && !all && !almostAll) continue;
        if (isStatFailed(entry) && !isGoneProcess(joinPath(at.path, name), entry))
          this.#failed(new PortholeError("FILE", `cannot stat ${joinPath(at.target, name)}: ${errno}`, { errno }));
        entries.add({ name, type: stat === undefined ? type : typeOf(stat), stat, link: entry.link });
      }
    } catch (error) {
      // If the session has ended, every later directory would fail too.
      if (!(error instanceof PortholeError) || error.code !== "FILE") throw error;
      if (!isGoneProcess(at.path, error)) this.#failed(error);
      if (entries.length === 0) return false;
    }
    if (all) {
      for (const name of [".", ".."]) {
        const path = joinPath(at.path, name);
        const stat = this.#needsStat ? await context.session.stat(path).catch(onlyFileErrors) : undefined;
        entries.add({ name, type: DT_DIR, stat, link: undefined });
      }
    }
    await this.#followLinks(context, entries);
    if (this.#options.total) for (const item of entries) await this.#complete(context, item);
    return true;
  }

  /** Adds the total. Adds the mode of a link's target, which decides the colour of the link. */
  async #complete(context: SessionContext, item: Item): Promise<void> {
    await this.#followLinks(context, item.linkMode === undefined ? [item] : []);
    if (!this.#options.total || item.type !== DT_DIR || item.name === "." || item.name === "..") return;
    if (item.stat !== undefined && (await context.usage.isKernel(item.stat))) return;
    try {
      const before = this.#added;
      const { size, files, directories } = await context.usage.of(
        item.path,
        (error) => this.#failed(error),
        (usage) => this.#tell(before.files + usage.files + usage.directories, before.bytes + usage.size),
      );
      item.total = size;
      this.#added = { files: before.files + files + directories, bytes: before.bytes + size };
    } catch (error) {
      this.#failed(error);
    }
  }

  async #followLinks({ session }: SessionContext, items: Iterable<Item>): Promise<void> {
    if (!this.#format.needsLinkTargets) return;
    const look = async (item: Item) => {
      item.linkMode = (await session.stat(item.path).catch(onlyFileErrors))?.mode ?? 0;
    };
    let asked: Promise<void>[] = [];
    for (const item of items) {
      if (item.type !== DT_LNK) continue;
      asked.push(look(item));
      if (asked.length < AT_ONCE) continue;
      await Promise.all(asked);
      asked = [];
    }
    await Promise.all(asked);
  }

  #tell(files: number, bytes: bigint): void {
    this.#progress?.show((elapsedMs, columns) => filesLine(files, Number(bytes), elapsedMs, columns));
  }

  #print(title: string | undefined, items: Items, isDirectory = false): void {
    for (const piece of this.#format.render({ title, items, isDirectory, isFirst: this.#isFirst })) {
      this.#pending += piece;
      if (this.#pending.length > FLUSH) this.#flush();
    }
    this.#isFirst = false;
    if (isTerminal(1)) this.#flush();
  }

  #flush(): void {
    const text = this.#pending;
    this.#pending = "";
    this.#progress?.erase();
    if (text !== "") write(pathBytes(text));
  }

  async #context(session: Session): Promise<SessionContext> {
    const known = this.#contexts.get(session);
    if (known !== undefined) return known;
    const { l, numericUidGid, json } = this.#options;
    const isNamed = (l === true && numericUidGid !== true) || json === true;
    const context: SessionContext = {
      session,
      users: isNamed ? await readNames(session, "/etc/passwd") : undefined,
      groups: isNamed ? await readNames(session, "/etc/group") : undefined,
      usage: new UsageCounter(session),
    };
    this.#contexts.set(session, context);
    return context;
  }

  #item({ users, groups }: SessionContext, name: string, target: string, path: string): Item {
    const nothing = { type: 0, stat: undefined, link: undefined, linkMode: undefined, total: undefined };
    return { name, target, path, ...nothing, users, groups };
  }

  #failed(error: unknown): void {
    this.#flush();
    report(error);
    this.status = Math.max(this.status, exitStatus(error));
  }
}

function* directoriesOf(entries: Entries): Generator<string> {
  for (const { type, name } of entries) if (type === DT_DIR && name !== "." && name !== "..") yield name;
}

/** Maximum number of concurrent requests; the agent accepts 32. */
const AT_ONCE = 16;
const FLUSH = 64 * 1024;

function onlyFileErrors(error: unknown): undefined {
  if (error instanceof PortholeError && error.code === "FILE") return undefined;
  throw error;
}
