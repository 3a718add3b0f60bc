/**
 * A bucket of a bbolt database, the format of containerd's snapshot metadata. bbolt copies pages on
 * write. So a file that is read while its owner writes is consistent unless two transactions end
 * meanwhile. Each page is checked. Format: https://github.com/etcd-io/bbolt, version 2.
 * @throws BoltError for bytes that are not a database
 */
export interface Bucket {
  /** Returns the bucket of that name; undefined if there is none. */
  bucket(name: string): Bucket | undefined;
  /**
   * Returns the value of a key; undefined if there is no such key, or if it is the name of a
   * bucket.
   */
  value(name: string): Buffer | undefined;
  /** Returns the names of the nested buckets, in byte order. */
  bucketNames(): string[];
}

/** The bytes are not a bbolt database, or its owner wrote it during the read. */
export class BoltError extends Error {}

/**
 * The root bucket of a database.
 * @throws BoltError
 */
export function openBolt(file: Buffer): Bucket {
  const metas = [0, pageSizeOf(file)].map((at) => metaAt(file, at)).filter((meta) => meta !== undefined);
  const [last] = metas.sort((a, b) => (a.transaction < b.transaction ? 1 : -1));
  if (last === undefined) throw new BoltError("not a bbolt database");
  return new PagedBucket(file, last.pageSize, pageOf(file, last.pageSize, last.root));
}

/** Offsets within a page, and its type flags. */
const PAGE = { id: 0, flags: 8, count: 10, header: 16, branch: 1, leaf: 2 };
/** Offsets within the database header, after the page header. */
const META = { magic: 16, version: 20, pageSize: 24, root: 32, transaction: 64, checksum: 72 };
const [MAGIC, FORMAT] = [0xed0cdaed, 2];
const ELEMENT_SIZE = 16;
const IS_BUCKET = 1;
/** Root page and sequence number, before a bucket's page in its parent's value. */
const BUCKET_HEADER = 16;

interface Meta {
  pageSize: number;
  root: bigint;
  transaction: bigint;
}

/** The second header is on the next page. If the first is damaged, assumes the usual page size. */
function pageSizeOf(file: Buffer): number {
  return metaAt(file, 0)?.pageSize ?? 4096;
}

function metaAt(file: Buffer, at: number): Meta | undefined {
  if (file.length < at + META.checksum + 8) return undefined;
  if (file.readUInt32LE(at + META.magic) !== MAGIC || file.readUInt32LE(at + META.version) !== FORMAT) return undefined;
  const sum = fnv1a(file.subarray(at + META.magic, at + META.checksum));
  if (sum !== file.readBigUInt64LE(at + META.checksum)) return undefined;
  return {
    pageSize: file.readUInt32LE(at + META.pageSize),
    root: file.readBigUInt64LE(at + META.root),
    transaction: file.readBigUInt64LE(at + META.transaction),
  };
}

/** FNV-1a, 64 bits. */
function fnv1a(bytes: Buffer): bigint {
  let sum = 0xcbf29ce484222325n;
  for (const byte of bytes) sum = ((sum ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  return sum;
}

/** A page and the rest of the file. */
function pageOf(file: Buffer, pageSize: number, id: bigint): Buffer {
  const at = Number(id) * pageSize;
  if (at + PAGE.header > file.length) throw new BoltError(`page ${id} is beyond the end of the file`);
  const page = file.subarray(at);
  if (page.readBigUInt64LE(PAGE.id) !== id) throw new BoltError(`page ${id} has another number`);
  return page;
}

interface Entry {
  name: string;
  isBucket: boolean;
  value: Buffer;
}

class PagedBucket implements Bucket {
  readonly #file: Buffer;
  readonly #pageSize: number;
  readonly #entries = new Map<string, Entry>();
  readonly #pages = new Set<bigint>();

  /** @param page the root page and the rest of the file */
  constructor(file: Buffer, pageSize: number, page: Buffer) {
    this.#file = file;
    this.#pageSize = pageSize;
    this.#read(page);
  }

  bucket(name: string): Bucket | undefined {
    const entry = this.#entries.get(name);
    if (entry?.isBucket !== true) return undefined;
    if (entry.value.length < BUCKET_HEADER) throw new BoltError("a bucket without a header");
    const root = entry.value.readBigUInt64LE(0);
    // A small bucket's only page is in the value.
    const page = root === 0n ? entry.value.subarray(BUCKET_HEADER) : pageOf(this.#file, this.#pageSize, root);
    return new PagedBucket(this.#file, this.#pageSize, page);
  }

  value(name: string): Buffer | undefined {
    const entry = this.#entries.get(name);
    return entry?.isBucket === false ? entry.value : undefined;
  }

  bucketNames(): string[] {
    return [...this.#entries.values()].filter(({ isBucket }) => isBucket).map(({ name }) => name);
  }

  #read(page: Buffer): void {
    if (page.length < PAGE.header) throw new BoltError("a page without a header");
    const [flags, count] = [page.readUInt16LE(PAGE.flags), page.readUInt16LE(PAGE.count)];
    if (flags !== PAGE.leaf && flags !== PAGE.branch) throw new BoltError(`a page of kind ${flags}`);
    if (PAGE.header + count * ELEMENT_SIZE > page.length) throw new BoltError("a truncated page");
    for (let index = 0; index < count; index++) {
      const element = page.subarray(PAGE.header + index * ELEMENT_SIZE);
      if (flags === PAGE.leaf) this.#add(element);
      else this.#read(this.#child(element.readBigUInt64LE(8)));
    }
  }

  #child(id: bigint): Buffer {
    if (this.#pages.has(id)) throw new BoltError(`page ${id} is in the tree twice`);
    this.#pages.add(id);
    return pageOf(this.#file, this.#pageSize, id);
  }

  #add(element: Buffer): void {
    const [at, keySize, valueSize] = [element.readUInt32LE(4), element.readUInt32LE(8), element.readUInt32LE(12)];
    if (at + keySize + valueSize > element.length) throw new BoltError("a truncated entry");
    const name = element.toString("utf8", at, at + keySize);
    const value = element.subarray(at + keySize, at + keySize + valueSize);
    this.#entries.set(name, { name, isBucket: (element.readUInt32LE(0) & IS_BUCKET) !== 0, value });
  }
}
