import { type BigIntStats, chmodSync, existsSync, lstatSync, mkdirSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { openDirectory } from "../../descriptors/files/file.ts";
import type { OwnedFd } from "../../descriptors/owned-fd.ts";
import { homeDirectory } from "../../engines/api/home-directory.ts";
import { messageOf, PortholeError } from "../../errors.ts";

/** The run directory: sockets and records of agents, and the directory that containers mount. */
export interface RunDirectory {
  /** `$XDG_STATE_HOME/porthole` (or `~/.local/state/porthole`), 0700. */
  root: string;
  /** Sockets and records of live agents, 0700. */
  agents: string;
  /**
   * Mounted by containers as /run/porthole: the rendezvous sockets and the agent program. 0711;
   * never deleted, because a container may have it mounted.
   */
  mount: string;
}

/** Mount point of {@link RunDirectory.mount} in a container started with `porthole docker-args`. */
export const MOUNT_POINT = "/run/porthole";

/**
 * Paths of the run directory, which may not exist yet.
 * @throws PortholeError ATTACH if the user has no home directory
 */
export function runDirectoryPaths(environment: NodeJS.ProcessEnv = process.env): RunDirectory {
  const state = environment.XDG_STATE_HOME;
  // The XDG base directory specification ignores relative paths.
  const base = state !== undefined && isAbsolute(state) ? state : join(requiredHome(environment), ".local", "state");
  const root = join(base, "porthole");
  return { root, agents: join(root, "agents"), mount: join(root, "mnt") };
}

function requiredHome(environment: NodeJS.ProcessEnv): string {
  const home = homeDirectory(environment);
  if (home !== undefined) return home;
  throw new PortholeError(
    "ATTACH",
    `no directory for sockets: HOME is not an absolute path, and uid ${process.geteuid?.()} has no entry in passwd(5)`,
    { hint: "set XDG_STATE_HOME to a writable directory" },
  );
}

/**
 * Creates the run directory if it is missing and checks that only this user can access it.
 * @throws PortholeError ATTACH if it belongs to another user, is writable by others, is a link, or
 * cannot be created
 */
export function ensureRunDirectory(environment: NodeJS.ProcessEnv = process.env): RunDirectory {
  const paths = runDirectoryPaths(environment);
  try {
    ensureOwn(paths.root, 0o700);
    ensureOwn(paths.agents, 0o700);
    ensureOwn(paths.mount, 0o711);
  } catch (error) {
    if (error instanceof PortholeError) throw error;
    throw new PortholeError("ATTACH", `cannot create the run directory ${paths.root}: ${messageOf(error)}`, {
      errno: (error as NodeJS.ErrnoException).code,
      hint: "set XDG_STATE_HOME to a writable directory",
      cause: error,
    });
  }
  return paths;
}

function ensureOwn(path: string, mode: number): void {
  // lstat(2) first: the directory nearly always exists, and a failed mkdir(2) costs 10 % of a small
  // cat.
  const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false }) ?? newDirectory(path, mode);
  if (!stat.isDirectory()) throw refused(path, "it is not a directory");
  if (Number(stat.uid) !== process.geteuid?.()) throw refused(path, `it belongs to uid ${stat.uid}`);
  // The mode of an existing directory may be wrong.
  const found = Number(stat.mode) & 0o777;
  if (found === mode) return;
  if ((found & 0o022) !== 0) throw refused(path, `it is writable by others (mode 0${found.toString(8)})`);
  chmodSync(path, mode);
}

function newDirectory(path: string, mode: number): BigIntStats {
  makeDirectory(path, mode);
  return lstatSync(path, { bigint: true });
}

/**
 * As mkdir -p. Not mkdirSync's `recursive`, which does not return in a directory that accepts no
 * new entries (/proc).
 */
function makeDirectory(path: string, mode: number): void {
  try {
    mkdirSync(path, { mode });
    // The umask may have removed even the owner's right to create entries.
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
    hint: "remove it, or set XDG_STATE_HOME to a directory that only you can access",
  });
}

/**
 * Returns the directory below which `porthole-agent run` attaches trees, in its own mount
 * namespace. Other processes see it empty.
 * @throws as {@link ensureRunDirectory}
 */
export function ensureTreeDirectory(): string {
  const { root } = ensureRunDirectory();
  const path = join(root, "trees");
  ensureOwn(path, 0o700);
  return path;
}

/**
 * Opens a directory of the run directory for bind(2) and connect(2): a socket's path has at most
 * 108 bytes. The caller closes it.
 */
export function openRunDirectory(path: string): OwnedFd {
  return openDirectory(path);
}
