const BLOCK = 512;

/** A member of a tar archive. Owner root and time 0 make archives of equal files identical. */
export type TarMember = { name: string; mode: number } & (
  | { kind: "file"; size: number }
  | { kind: "directory" }
  | { kind: "link"; to: string }
);

const TYPES = { file: "0", directory: "5", link: "2" } as const;

/**
 * The header of a member (ustar, tar(5)). For a file, the caller writes `size` bytes and {@link
 * tarPadding} after it.
 * @throws RangeError for a path that does not fit into the header
 */
export function tarHeader(member: TarMember): Buffer {
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, length: number) =>
    header.write(`${value.toString(8).padStart(length - 1, "0")}\0`, at, "latin1");
  const { prefix, name } = splitPath(member.name);
  header.write(name, 0, "utf8");
  octal(member.mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(member.kind === "file" ? member.size : 0, 124, 12);
  octal(0, 136, 12);
  header.write("        ", 148, "latin1");
  header.write(TYPES[member.kind], 156, "latin1");
  if (member.kind === "link") header.write(fitting(member.to, NAME), 157, "utf8");
  header.write("ustar\x0000", 257, "latin1");
  header.write(prefix, 345, "utf8");
  octal(
    header.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  );
  return header;
}

/** Sizes in bytes of the header's fields for the file name and for its directories. */
const [NAME, PREFIX] = [100, 155];

function splitPath(path: string): { prefix: string; name: string } {
  if (Buffer.byteLength(path) <= NAME) return { prefix: "", name: path };
  // The longest prefix gives the shortest name.
  for (let at = path.lastIndexOf("/", PREFIX); at > 0; at = path.lastIndexOf("/", at - 1)) {
    const [prefix, name] = [path.slice(0, at), path.slice(at + 1)];
    if (name !== "" && Buffer.byteLength(prefix) <= PREFIX) return { prefix, name: fitting(name, NAME) };
  }
  return { prefix: "", name: fitting(path, NAME) };
}

function fitting(text: string, bytes: number): string {
  if (Buffer.byteLength(text) > bytes) throw new RangeError(`path too long for a tar archive: ${text}`);
  return text;
}

/** Zero bytes to write after a file of `size` bytes. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
}

/** The end-of-archive marker. */
export function tarEnd(): Buffer {
  return Buffer.alloc(2 * BLOCK);
}

/** A tar archive with one regular file of mode 0555. */
export function tarArchive(name: string, content: Buffer): Buffer {
  const header = tarHeader({ name, mode: 0o555, kind: "file", size: content.length });
  return Buffer.concat([header, content, tarPadding(content.length), tarEnd()]);
}
