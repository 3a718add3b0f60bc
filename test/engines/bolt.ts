/**
 * Writes a bbolt database for tests. {@link database} has the layout of bbolt, on pages of 4096
 * bytes.
 */
const SIZE = 4096;

/** A bucket: names and values; an object is a nested bucket. */
export interface Content {
  [name: string]: Buffer | Content;
}

/**
 * Builds the bytes of a database. Buckets larger than `inlineBelow` bytes have their own pages,
 * with one leaf for each `perLeaf` entries.
 */
export function database(content: Content, { inlineBelow = 1000, perLeaf = 8 } = {}): Buffer {
  const pages: Buffer[] = [Buffer.alloc(SIZE), Buffer.alloc(SIZE)];
  const add = (page: Buffer): bigint => {
    const id = BigInt(pages.length);
    page.writeBigUInt64LE(id, 0);
    const whole = Buffer.alloc(Math.ceil(page.length / SIZE) * SIZE);
    page.copy(whole);
    for (let at = 0; at < whole.length; at += SIZE) pages.push(whole.subarray(at, at + SIZE));
    return id;
  };
  const bucket = (entries: Content): Buffer => {
    const names = Object.keys(entries).sort();
    const leaves = Array.from({ length: Math.max(1, Math.ceil(names.length / perLeaf)) }, (_, index) => {
      const own = names.slice(index * perLeaf, (index + 1) * perLeaf);
      return {
        first: own[0] ?? "",
        page: page(
          2,
          own.map((name) => leafElement(name, entries[name] as Buffer | Content)),
        ),
      };
    });
    const header = Buffer.alloc(16);
    const [only] = leaves;
    if (leaves.length === 1 && only !== undefined && only.page.length < inlineBelow)
      return Buffer.concat([header, only.page]);
    const children = leaves.map((leaf) => ({ key: Buffer.from(leaf.first), id: add(leaf.page) }));
    const root = children.length === 1 ? children[0]?.id : add(page(1, children.map(branchElement)));
    header.writeBigUInt64LE(root ?? 0n, 0);
    return header;
  };
  const leafElement = (name: string, value: Buffer | Content) => {
    const isBucket = !Buffer.isBuffer(value);
    const [key, bytes] = [Buffer.from(name), isBucket ? bucket(value) : value];
    return {
      body: Buffer.concat([key, bytes]),
      fill: (at: Buffer, pos: number) => {
        at.writeUInt32LE(isBucket ? 1 : 0, 0);
        at.writeUInt32LE(pos, 4);
        at.writeUInt32LE(key.length, 8);
        at.writeUInt32LE(bytes.length, 12);
      },
    };
  };
  const top = bucket(content);
  const root = top.length === 16 ? top.readBigUInt64LE(0) : add(top.subarray(16));
  for (const [index, transaction] of [7n, 8n].entries())
    meta(root, transaction, pages.length).copy(pages[index] as Buffer);
  return Buffer.concat(pages);
}

interface Element {
  body: Buffer;
  fill(at: Buffer, pos: number): void;
}

function branchElement({ key, id }: { key: Buffer; id: bigint }): Element {
  return {
    body: key,
    fill: (at, pos) => {
      at.writeUInt32LE(pos, 0);
      at.writeUInt32LE(key.length, 4);
      at.writeBigUInt64LE(id, 8);
    },
  };
}

function page(flags: number, elements: Element[]): Buffer {
  const whole = Buffer.alloc(16 + 16 * elements.length + elements.reduce((sum, { body }) => sum + body.length, 0));
  whole.writeUInt16LE(flags, 8);
  whole.writeUInt16LE(elements.length, 10);
  let data = 16 + 16 * elements.length;
  for (const [index, { body, fill }] of elements.entries()) {
    const at = 16 + 16 * index;
    fill(whole.subarray(at), data - at);
    body.copy(whole, data);
    data += body.length;
  }
  return whole;
}

function meta(root: bigint, transaction: bigint, pageCount: number): Buffer {
  const whole = Buffer.alloc(80);
  whole.writeUInt16LE(4, 8);
  whole.writeUInt32LE(0xed0cdaed, 16);
  whole.writeUInt32LE(2, 20);
  whole.writeUInt32LE(SIZE, 24);
  whole.writeBigUInt64LE(root, 32);
  whole.writeBigUInt64LE(BigInt(pageCount), 56);
  whole.writeBigUInt64LE(transaction, 64);
  let sum = 0xcbf29ce484222325n;
  for (const byte of whole.subarray(16, 72)) sum = BigInt.asUintN(64, (sum ^ BigInt(byte)) * 0x100000001b3n);
  whole.writeBigUInt64LE(sum, 72);
  return whole;
}
