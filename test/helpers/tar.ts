/** One member of an image's file system. */
export interface TarEntry {
  /** Path without a leading slash, at most 100 bytes; a Buffer for names that are not UTF-8. */
  name: string | Buffer;
  /** File content, without which the entry is a directory, symbolic link or FIFO. */
  content?: string | Buffer;
  type?: "file" | "directory" | "symlink" | "fifo";
  /** Target of a symbolic link, at most 100 bytes. */
  target?: string;
  mode?: number;
  uid?: number;
  gid?: number;
}

const typeFlags = { file: "0", symlink: "2", directory: "5", fifo: "6" } as const;

/**
 * Builds a reproducible POSIX ustar archive (tar(5)) of `entries`, so that its hash can name an
 * image.
 */
export function tar(entries: readonly TarEntry[]): Buffer {
  return Buffer.concat([...entries.flatMap(member), Buffer.alloc(1024)]);
}

function member({ name, content = "", type = "file", target = "", mode, uid = 0, gid = 0 }: TarEntry): Buffer[] {
  const bytes = Buffer.from(content as string);
  const path = Buffer.from(name as string);
  if (path.length > 100 || target.length > 100) throw new Error(`too long for a tar of this kind: ${name}`);
  const header = Buffer.alloc(512);
  path.copy(header, 0);
  octal(header, 100, 8, mode ?? (type === "directory" ? 0o755 : 0o644));
  octal(header, 108, 8, uid);
  octal(header, 116, 8, gid);
  octal(header, 124, 12, bytes.length);
  octal(header, 136, 12, 0);
  header.fill(" ", 148, 156);
  header.write(typeFlags[type], 156);
  header.write(target, 157);
  header.write("ustar\0" + "00", 257);
  octal(
    header,
    148,
    7,
    header.reduce((sum, byte) => sum + byte, 0),
  );
  return [header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)];
}

function octal(header: Buffer, at: number, width: number, value: number): void {
  header.write(`${value.toString(8).padStart(width - 1, "0")}\0`, at, "latin1");
}
