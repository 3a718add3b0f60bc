import {
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { O_CLOEXEC } from "../../descriptors/constants.ts";
import { openPath, tryLock } from "../../descriptors/files/file.ts";
import type { OwnedFd } from "../../descriptors/owned-fd.ts";
import { connectAt } from "../../descriptors/sockets/fd-socket.ts";
import { attachInterrupted, PortholeError, readOr } from "../../errors.ts";
import { type AgentRoute, FullAgentError } from "../../protocol/agent-info.ts";
import { openRunDirectory, type RunDirectory } from "../run-directory/run-dir.ts";
import { type AgentKey, type AgentRecord, decodeRecord } from "./agent-record.ts";

/**
 * File name of an agent's socket and record without extension, at most 87 bytes: sun_path has 108.
 * Starts with the identity, so that it is found without the rest.
 */
export function agentFile(key: AgentKey): string {
  const { identity, route, user, generation } = key;
  return `${identity.slice(0, 16)}.${route}.${userPart(user)}.${generation.replace(/[^0-9A-Za-z]/g, "").slice(0, 40)}`;
}

/** The route in a name of {@link agentFile}. */
export function routeOf(file: string): AgentRoute | undefined {
  const [, route] = file.split(".");
  return route === "direct" || route === "mount" || route === "sidecar" ? route : undefined;
}

/** Kinds of targets that have files but no process. */
export type OfflineKind = "stopped" | "image" | "volume";

/**
 * The kind of an offline target, from a name of {@link agentFile}; undefined if the target runs.
 */
export function offlineKindOf(file: string): OfflineKind | undefined {
  const generation = file.split(".")[3] ?? "";
  return OFFLINE_KINDS.find((kind) => generation.startsWith(kind));
}

const OFFLINE_KINDS: readonly OfflineKind[] = ["stopped", "image", "volume"];

/**
 * Users with the same first 10 bytes share a name; their records differ, see {@link candidates}.
 */
function userPart(user: string): string {
  if (user === "") return "";
  return Buffer.from(user)
    .toString("hex")
    .slice(0, 2 * USER_BYTES);
}

const USER_BYTES = 10;

/**
 * Agents that a client accepts, best route first. Without a generation: any agent of a running
 * target.
 */
export interface AgentQuery {
  identity: string;
  generation: string | undefined;
  routes: readonly AgentRoute[];
  user: string;
}

/**
 * Connects to a live agent, best route first. Does not remove a dead agent, because another process
 * may be replacing it.
 * @returns a connected socket that the caller owns, or undefined
 */
export function connectLive(
  run: RunDirectory,
  query: AgentQuery,
): { socket: OwnedFd; file: string; socketSeen: string } | undefined {
  using directory = openRunDirectory(run.agents);
  for (const file of candidates(run, query)) {
    const socketSeen = socketIdentity(run, file);
    const socket = connectIfLive(directory, file);
    if (socket !== undefined) return { socket, file, socketSeen };
  }
  return undefined;
}

function candidates(run: RunDirectory, query: AgentQuery): string[] {
  const prefix = `${query.identity.slice(0, 16)}.`;
  const names = readdirSync(run.agents)
    .filter((name) => name.startsWith(prefix) && name.endsWith(".sock"))
    .map((name) => name.slice(0, -".sock".length))
    .filter((name) => !isAside(name));
  if (names.length === 0) return [];
  const { identity, generation, routes, user } = query;
  const files = routes.flatMap((route) => {
    if (generation !== undefined) {
      const wanted = agentFile({ identity, generation, route, user });
      return names.filter((name) => name === wanted);
    }
    const start = `${prefix}${route}.${userPart(user)}.`;
    return names.filter((name) => name.startsWith(start) && offlineKindOf(name) === undefined);
  });
  // The name is enough, and reading the record would cost more than the connection.
  if (generation !== undefined && (user === "" || Buffer.byteLength(user) <= USER_BYTES)) return files;
  return files.filter((file) => {
    const record = readRecord(run, file);
    return record?.identity === identity && record.user === user;
  });
}

/**
 * Connects to the agent of `file`; undefined if it is gone.
 * @throws FullAgentError if the socket's queue is full
 */
export function connectIfLive(directory: OwnedFd, file: string): OwnedFd | undefined {
  try {
    return connectAt(directory, `${file}.sock`);
  } catch (error) {
    if (error instanceof PortholeError && (error.errno === "ECONNREFUSED" || error.errno === "ENOENT"))
      return undefined;
    if (error instanceof PortholeError && error.errno === "EAGAIN") throw new FullAgentError();
    throw error;
  }
}

/** The record of an agent; undefined if it is missing or not valid. */
export function readRecord(run: RunDirectory, file: string): AgentRecord | undefined {
  return readOr(undefined, () => {
    const record = decodeRecord(JSON.parse(readFileSync(join(run.agents, `${file}.json`), "utf8")));
    return record !== undefined && agentFile(record) === (isAside(file) ? file.replace(ASIDE, "") : file)
      ? record
      : undefined;
  });
}

/** Writes an agent's record atomically, by rename. */
export function writeRecord(run: RunDirectory, record: AgentRecord): void {
  const path = join(run.agents, `${agentFile(record)}.json`);
  const temporary = `${path}.${process.pid}`;
  try {
    writeFileSync(temporary, JSON.stringify(record), { mode: 0o600 });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** File names of all agents, live or not. */
export function agentFiles(run: RunDirectory): string[] {
  try {
    const names = readdirSync(run.agents).filter((name) => name.endsWith(".sock") || name.endsWith(".json"));
    return [...new Set(names.map((name) => name.slice(0, -".sock".length)))].sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

export function removeAgentFiles(run: RunDirectory, file: string): void {
  for (const extension of ["sock", "json"]) rmSync(join(run.agents, `${file}.${extension}`), { force: true });
}

/**
 * Removes the files of a dead or unusable agent.
 * @param seen the agent's {@link socketIdentity}: keeps a socket that has replaced it. Without it,
 * removes a socket that no process serves
 */
export function removeDeadAgent(run: RunDirectory, file: string, seen?: string): Promise<void> {
  return withAgentLock(run, identityIn(file), { timeoutMs: REMOVAL_PATIENCE_MS }, async () => {
    if (seen === undefined ? isServed(run, file) : socketIdentity(run, file) !== seen) return;
    removeAgentFiles(run, file);
  });
}

/**
 * Renames the files of an agent of another protocol version, or of one that does not respond. No
 * command connects to the new name, but {@link agentFiles} lists it.
 * @param seen as in {@link removeDeadAgent}
 */
export function setAgentAside(run: RunDirectory, file: string, version: number, seen: string): Promise<void> {
  return withAgentLock(run, identityIn(file), { timeoutMs: REMOVAL_PATIENCE_MS }, async () => {
    if (socketIdentity(run, file) !== seen) return;
    const path = join(run.agents, file);
    // The inode distinguishes agents of one version that were set aside one after the other.
    const aside = `${path}.v${version}-${seen.split(" ", 1)[0]}`;
    for (const extension of ["json", "sock"])
      if (existsSync(`${path}.${extension}`)) renameSync(`${path}.${extension}`, `${aside}.${extension}`);
  });
}

function identityIn(file: string): string {
  return file.slice(0, file.indexOf("."));
}

/** Matches the suffix of {@link setAgentAside} in a name without extension. */
const ASIDE = /\.v\d+-\d+$/;

function isAside(file: string): boolean {
  return file.includes(".v") && ASIDE.test(file);
}

const REMOVAL_PATIENCE_MS = 5_000;

/**
 * Identifies a socket, so that a later socket of the same name differs. Empty if there is no
 * socket.
 */
export function socketIdentity(run: RunDirectory, file: string): string {
  // With the function of run-dir.ts: Node compiles each of its functions at its first use.
  const stat = lstatSync(join(run.agents, `${file}.sock`), { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? "" : `${stat.ino} ${stat.ctimeNs}`;
}

function isServed(run: RunDirectory, file: string): boolean {
  const directory = openRunDirectory(run.agents);
  try {
    const socket = connectIfLive(directory, file);
    socket?.close();
    return socket !== undefined;
  } catch (error) {
    if (error instanceof FullAgentError) return true;
    throw error;
  } finally {
    directory.close();
  }
}

/** Limits for the wait for a lock. */
export interface LockOptions {
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

/**
 * Runs `action` while it holds the target's lock, so that commands which start together share one
 * agent. The lock is the kernel's (flock(2)) and ends with its process.
 * @throws PortholeError ATTACH if the lock is busy for `timeoutMs`; CANCELLED through the signal
 */
export async function withAgentLock<T>(
  run: RunDirectory,
  identity: string,
  { timeoutMs, signal }: LockOptions,
  action: () => Promise<T>,
): Promise<T> {
  const path = join(run.agents, `${identity.slice(0, 16)}.attach.lock`);
  const deadline = performance.now() + timeoutMs;
  for (let pause = 1; ; pause = Math.min(pause * 2, 25)) {
    const lock = openPath(path, constants.O_RDWR | constants.O_CREAT | O_CLOEXEC, 0o600);
    if (tryLock(lock) && isStillThere(lock, path)) {
      try {
        return await action();
      } finally {
        rmSync(path, { force: true });
        lock.close();
      }
    }
    lock.close();
    if (signal?.aborted) throw attachInterrupted();
    if (performance.now() > deadline) {
      throw new PortholeError(
        "ATTACH",
        `another porthole has been attaching for ${Math.round(timeoutMs / 1000)} s (${path})`,
      );
    }
    await delay(pause);
  }
}

/** The previous holder unlinks the file, and a lock on the unlinked file excludes no process. */
function isStillThere(lock: OwnedFd, path: string): boolean {
  try {
    return statSync(path).ino === fstatSync(lock.number).ino;
  } catch {
    return false;
  }
}
