import { constants, readlinkSync } from "node:fs";
import { O_PATH } from "../../descriptors/constants.ts";
import { getFlags } from "../../descriptors/files/file.ts";
import { servedBy } from "../../descriptors/files/file-system.ts";
import { identify } from "../../descriptors/files/statx.ts";
import type { OwnedFd } from "../../descriptors/owned-fd.ts";
import type { PortholeError } from "../../errors.ts";
import type { FileClaim } from "../../protocol/file-stat.ts";
import { violation } from "../../protocol/violation.ts";
import { kindConsumes } from "../interface/consuming.ts";
import { kindOf } from "../interface/open-file.ts";

/*
 * Checks what an agent sent against its reply. None of these functions waits for a file system's
 * server, and none closes the descriptor: use `discard` for a refused one.
 */

// In constants of this module: reading Node's object for each file costs 1 % of the time of an
// open.
const { O_RDONLY, O_RDWR, O_WRONLY, S_IFDIR, S_IFIFO, S_IFMT, S_IFREG } = constants;

/** How far an agent is trusted about a mount that is in no mount table of this machine. */
export type AgentTrust = "own process" | "stranger";

/** The options of the request: see {@link OpenOptions}. */
interface OpenRequest {
  write?: boolean | undefined;
  consume?: boolean | undefined;
  /** Requires a relay for a regular file, regardless of the mount tables. */
  relay?: boolean | undefined;
}

/**
 * Checks a descriptor against the agent's reply: type, device number, inode and access mode.
 * Refuses a file whose reading consumes data unless that was requested, and a file that may need a
 * server unless it is relayed.
 * @throws PortholeError SESSION
 */
export function checkReceived(
  path: string,
  fd: OwnedFd,
  promised: FileClaim,
  asked: OpenRequest,
  trust: AgentTrust,
): void {
  const found = identify(fd);
  const kind = found.mode & S_IFMT;
  const wanted = promised.relayed ? S_IFIFO : promised.mode & S_IFMT;
  if (kind !== wanted) throw violationFor(path, `a ${kindOf(found.mode)} instead of the announced ${kindOf(wanted)}`);
  if (!promised.relayed) {
    if (found.ino !== promised.inode)
      throw violationFor(path, `inode ${found.ino} instead of the announced ${promised.inode}`);
    if (found.rdevMajor !== promised.rdevMajor || found.rdevMinor !== promised.rdevMinor) {
      throw violationFor(path, "another device number than announced");
    }
    if (
      asked.consume !== true &&
      kindConsumes({ mode: found.mode, rdev: { major: found.rdevMajor, minor: found.rdevMinor } })
    )
      throw violationFor(path, `a ${kindOf(found.mode)}, whose reading consumes data, without a request for it`);
    if (kind === S_IFREG && asked.relay) throw violationFor(path, "a file that was to be relayed");
    if (kind === S_IFREG || kind === S_IFDIR) {
      const answering = servedBy(fd, found);
      if (answering === "server")
        throw violationFor(path, "a file whose file system may not respond, without relaying it");
      if (answering === "unknown" && trust === "stranger")
        throw violationFor(path, "a file on a mount that cannot be checked");
    }
  }
  const access = accessOf(fd);
  if (access !== (asked.write ? O_RDWR : O_RDONLY))
    throw violationFor(path, "a descriptor with another access mode than requested");
}

/**
 * Checks a pipe of records.
 * @throws PortholeError SESSION
 */
export function checkPipe(what: string, fd: OwnedFd): void {
  const { mode } = identify(fd);
  if ((mode & S_IFMT) !== S_IFIFO) throw violationFor(what, `a ${kindOf(mode)} instead of a pipe`);
  if (accessOf(fd) !== O_RDONLY) throw violationFor(what, "the wrong end of a pipe");
}

/**
 * Checks that a descriptor is an inotify instance. Only the kernel gives a descriptor this link
 * text: a path starts with a slash.
 * @throws PortholeError SESSION
 */
export function checkInotify(what: string, fd: OwnedFd): void {
  const { mode } = identify(fd);
  if (readlinkSync(`/proc/self/fd/${fd.number}`) !== "anon_inode:inotify")
    throw violationFor(what, `a ${kindOf(mode)} instead of an inotify instance`);
}

function accessOf(fd: OwnedFd): number {
  return getFlags(fd) & (O_WRONLY | O_RDWR | O_PATH);
}

function violationFor(path: string, what: string): PortholeError {
  return violation(what, `for ${path} `);
}
