import { constants, readlinkSync } from "node:fs";
import { O_PATH } from "../descriptors/constants.ts";
import { getFlags } from "../descriptors/file.ts";
import { servedBy } from "../descriptors/file-system.ts";
import type { OwnedFd } from "../descriptors/owned-fd.ts";
import { identify } from "../descriptors/statx.ts";
import type { PortholeError } from "../errors.ts";
import type { FileClaim } from "../protocol/file-stat.ts";
import { violation } from "../protocol/violation.ts";
import { kindConsumes } from "./consuming.ts";
import { kindOf } from "./open-file.ts";

/*
 * What an agent sent, held against what it said of it. None of this waits for a file system's server, and none of it closes: use `discard` for what was refused.
 */

/** How far an agent's word goes about a mount that no table here shows. */
export type AgentTrust = "own process" | "stranger";

/** What was asked for: see {@link OpenOptions}. */
interface OpenRequest {
  write?: boolean | undefined;
  consume?: boolean | undefined;
}

/**
 * Checks a descriptor against what the agent said of the file: the kind, the device it is, the inode, that it is not open for more than was asked,
 * that it loses nothing by being read unless that was asked for,
 * and that the kernel answers for it by itself unless it is relayed.
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
  const kind = found.mode & constants.S_IFMT;
  const wanted = promised.relayed ? constants.S_IFIFO : promised.mode & constants.S_IFMT;
  if (kind !== wanted) throw violationFor(path, `a ${kindOf(found.mode)} where it promised a ${kindOf(wanted)}`);
  if (!promised.relayed) {
    if (found.ino !== promised.inode)
      throw violationFor(path, `inode ${found.ino} where it promised ${promised.inode}`);
    if (found.rdevMajor !== promised.rdevMajor || found.rdevMinor !== promised.rdevMinor) {
      throw violationFor(path, "another device than it promised");
    }
    if (
      asked.consume !== true &&
      kindConsumes({ mode: found.mode, rdev: { major: found.rdevMajor, minor: found.rdevMinor } })
    )
      throw violationFor(path, `a ${kindOf(found.mode)}, which loses what is read, unasked`);
    if (kind === constants.S_IFREG || kind === constants.S_IFDIR) {
      const answering = servedBy(fd, found);
      if (answering === "server") throw violationFor(path, "a file whose file system may not answer, unread");
      if (answering === "unknown" && trust === "stranger")
        throw violationFor(path, "a file of a mount that cannot be checked");
    }
  }
  const access = accessOf(fd);
  if (access !== (asked.write ? constants.O_RDWR : constants.O_RDONLY))
    throw violationFor(path, "a descriptor with another access mode than asked for");
}

/**
 * Checks the pipe in which records come.
 * @throws PortholeError SESSION
 */
export function checkPipe(what: string, fd: OwnedFd): void {
  const { mode } = identify(fd);
  if ((mode & constants.S_IFMT) !== constants.S_IFIFO)
    throw violationFor(what, `a ${kindOf(mode)} where it promised a pipe`);
  if (accessOf(fd) !== constants.O_RDONLY) throw violationFor(what, "the wrong end of a pipe");
}

/**
 * Checks that events come from an inotify instance: only the kernel gives a descriptor this name, for paths begin with a slash.
 * @throws PortholeError SESSION
 */
export function checkInotify(what: string, fd: OwnedFd): void {
  const { mode } = identify(fd);
  if (readlinkSync(`/proc/self/fd/${fd.number}`) !== "anon_inode:inotify")
    throw violationFor(what, `a ${kindOf(mode)} where it promised an inotify instance`);
}

function accessOf(fd: OwnedFd): number {
  return getFlags(fd) & (constants.O_WRONLY | constants.O_RDWR | O_PATH);
}

function violationFor(path: string, what: string): PortholeError {
  return violation(what, `for ${path} `);
}
