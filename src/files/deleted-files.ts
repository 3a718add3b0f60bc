import { PortholeError } from "../errors.ts";
import type { Session } from "../sessions/session.ts";
import { backingOf } from "./mounts.ts";
import { listProcesses } from "./processes.ts";
import { deviceOf, mountsOf } from "./usage.ts";

/** A deleted file whose storage processes of a target keep from being freed. */
export interface DeletedFile {
  /** Its former path, as the process sees it. */
  path: string;
  /**
   * Of the file system, `major:minor`, and inode. The device of a mapped file is that of
   * /proc/PID/maps, which can differ from statx(2) on overlayfs and btrfs.
   */
  device: string;
  inode: bigint;
  /** What its end would free; for a mapped file the maximum of that. */
  bytes: bigint;
  /**
   * Processes of the target that keep it; `fd` is undefined where the file is mapped without a
   * descriptor.
   */
  holders: { pid: number; fd: number | undefined }[];
}

/**
 * Lists the deleted files on disk that are open or mapped in a target, once each. Leaves out files
 * in memory (tmpfs).
 * @param failed receives why the files of a process could not be listed
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
  // One file has two devices if it is mapped from overlayfs or btrfs: its path tells.
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
