import { chmodSync, existsSync, lstatSync, mkdirSync, type Stats } from "node:fs";
import { homedir } from "node:os";
import { dirname, isAbsolute, join } from "node:path";
import { openDirectory } from "../descriptors/file.ts";
import type { OwnedFd } from "../descriptors/owned-fd.ts";
import { PortholeError } from "../errors.ts";

/** The run directory R of docs/architecture.md: where agents are met, and where their sockets lie. */
export interface RunDirectory {
  /** `$XDG_STATE_HOME/porthole` (or `~/.local/state/porthole`), 0700. */
  root: string;
  /** Sockets of live agents and what is known of them, 0700. */
  agents: string;
  /** What containers see as /run/porthole: the rendezvous sockets and the agent, 0711, never deleted while a container may have it mounted. */
  mount: string;
}

/** Where a container that was started with `porthole docker-args` finds {@link RunDirectory.mount}. */
export const MOUNT_POINT = "/run/porthole";

/** Paths of the run directory, which may not exist yet. */
export function runDirectoryPaths(environment: NodeJS.ProcessEnv = process.env): RunDirectory {
  const state = environment.XDG_STATE_HOME;
  // The base directory specification: a relative path is to be ignored.
  const base = state !== undefined && isAbsolute(state) ? state : join(homedir(), ".local", "state");
  const root = join(base, "porthole");
  return { root, agents: join(root, "agents"), mount: join(root, "mnt") };
}

/**
 * Makes the run directory where it is missing and checks that it is ours alone.
 * @throws PortholeError ATTACH when it belongs to somebody else, is open to others, is a link, or cannot be made.
 */
export function ensureRunDirectory(environment: NodeJS.ProcessEnv = process.env): RunDirectory {
  const paths = runDirectoryPaths(environment);
  try {
    ensureOwn(paths.root, 0o700);
    ensureOwn(paths.agents, 0o700);
    ensureOwn(paths.mount, 0o711);
  } catch (error) {
    if (error instanceof PortholeError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    throw new PortholeError("ATTACH", `cannot make the run directory ${paths.root}: ${message}`, {
      errno: code,
      hint: "set XDG_STATE_HOME to a directory that you can write",
      cause: error,
    });
  }
  return paths;
}

function ensureOwn(path: string, mode: number): void {
  // Looked at first: it is there nearly always, and a mkdir that fails costs a tenth of a small cat.
  const stat = lstatSync(path, { throwIfNoEntry: false }) ?? newDirectory(path, mode);
  if (!stat.isDirectory()) throw refused(path, "it is not a directory");
  if (stat.uid !== process.geteuid?.()) throw refused(path, `it belongs to uid ${stat.uid}`);
  // An existing directory may have been opened up.
  if ((stat.mode & 0o777) !== mode) {
    if ((stat.mode & 0o022) !== 0)
      throw refused(path, `others may write to it (mode 0${(stat.mode & 0o777).toString(8)})`);
    chmodSync(path, mode);
  }
}

function newDirectory(path: string, mode: number): Stats {
  makeDirectory(path, mode);
  return lstatSync(path);
}

/** As mkdir -p. Not mkdirSync's `recursive`, which never returns where a directory that exists takes no new one (/proc). */
function makeDirectory(path: string, mode: number): void {
  try {
    mkdirSync(path, { mode });
    // The umask may have taken even our own right to make the next one in it.
    chmodSync(path, mode);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return;
    if (code !== "ENOENT" || existsSync(dirname(path))) throw error;
    makeDirectory(dirname(path), mode);
    makeDirectory(path, mode);
  }
}

function refused(path: string, why: string): PortholeError {
  return new PortholeError("ATTACH", `the run directory ${path} cannot be trusted: ${why}`, {
    hint: "remove it, or set XDG_STATE_HOME to a directory of your own",
  });
}

/**
 * The directory below which `porthole-agent run` attaches trees, in a mount namespace of its own: for everybody else it is empty.
 * @throws as {@link ensureRunDirectory}
 */
export function ensureTreeDirectory(): string {
  const { root } = ensureRunDirectory();
  const path = join(root, "trees");
  ensureOwn(path, 0o700);
  return path;
}

/** Opens a directory of the run directory, to bind and connect in: a socket's path may have 108 bytes only. The caller closes it. */
export function openRunDirectory(path: string): OwnedFd {
  return openDirectory(path);
}
