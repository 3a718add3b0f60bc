import { PortholeError } from "../errors.ts";
import type { Session } from "../sessions/interface/session.ts";
import { backingOf } from "./mounts.ts";
import { listProcesses } from "./processes.ts";
import { deviceOf, mountsOf } from "./usage.ts";

/**
 * A deleted file that processes of a target keep open or mapped, so that its storage is not freed.
 */
export interface DeletedFile {
  /** Its former path, as the process sees it. */
  path: string;
  /**
   * Device of the file system, `major:minor`, and inode. For a mapped file, the device is from
   * /proc/PID/maps, which can differ from statx(2) on overlayfs and btrfs.
   */
  device: string;
  inode: bigint;
  /** Bytes that the last process frees when it closes the file; a maximum for a mapped file. */
  bytes: bigint;
  /**
   * Processes of the target that use the file. `fd` is undefined for a mapping without a
   * descriptor.
   */
  holders: { pid: number; fd: number | undefined }[];
}

/**
 * Lists the deleted files on disk that are open or mapped in a target, each once. Omits files in
 * memory (tmpfs).
 * @param failed receives the error for each process whose files could not be listed
 * @throws PortholeError FILE, SESSION
 */
export async function deletedFiles(session: Session, failed: (error: PortholeError) => void): Promise<DeletedFile[]> {
  const mounts = await mountsOf(session);
  const memory = new Set(mounts.filter((mount) => backingOf(mount).kind === "memory").map(deviceOf));
  const open = new Map<string, DeletedFile>();
  const mapped = new Map<string, DeletedFile>();
  for await (const { pid, files, mapped: mappings, filesError } of listProcesses(session, { files: true })) {
    if (filesError !== undefined)
      failed(new PortholeError("FILE", `process ${pid} of ${session.name}: ${filesError.message}`, {}));
    for (const { fd, path, stat, held } of files) {
      if (held === 0n || memory.has(deviceOf(stat))) continue;
      const { inode } = stat;
      add(open, { path, device: deviceOf(stat), inode, bytes: held, holders: [{ pid, fd }] });
    }
    for (const { path, device, inode, bytes } of mappings) {
      if (memory.has(deviceOf({ device }))) continue;
      add(mapped, { path, device: deviceOf({ device }), inode, bytes, holders: [{ pid, fd: undefined }] });
    }
  }
  // A mapping on overlayfs or btrfs has another device than the open file: compare paths.
  const names = new Set([...open.values()].map(({ inode, path }) => `${inode} ${path}`));
  return [...open.values(), ...[...mapped.values()].filter(({ inode, path }) => !names.has(`${inode} ${path}`))];
}

function add(files: Map<string, DeletedFile>, file: DeletedFile): void {
  const key = `${file.device} ${file.inode}`;
  const known = files.get(key);
  if (known === undefined) {
    files.set(key, file);
    return;
  }
  known.holders.push(...file.holders);
  if (file.bytes > known.bytes) known.bytes = file.bytes;
}
