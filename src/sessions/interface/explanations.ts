import { PortholeError } from "../../errors.ts";
import type { FileStat } from "../../protocol/file-stat.ts";
import { kindOf } from "./open-file.ts";

/* Errors that add a cause and a remedy to the kernel's text. */

/**
 * Returns which of the opener's standard streams a path leads to after following links. Undefined
 * for any other path.
 */
export function ownStream(leadsTo: string): 1 | 2 | undefined {
  const match = /^\/(?:proc\/(?:self|thread-self)\/fd\/([12])|dev\/(?:fd\/([12])|std(out|err)))$/.exec(leadsTo);
  if (match === null) return undefined;
  const [, ofProcess, ofDevice, name] = match;
  return (ofProcess ?? ofDevice) === "1" || name === "out" ? 1 : 2;
}

/**
 * The error for a path that leads to a descriptor of the process that opens it, such as a log that
 * is a link to /dev/stdout. Undefined for any other path.
 * @param leadsTo the path with its links resolved
 * @param hint the command that shows the output as the engine stores it, or why there is none
 */
export function ownDescriptorError(
  what: string,
  leadsTo: string,
  hint: string | undefined,
  error: PortholeError,
): PortholeError | undefined {
  const details = { errno: error.errno, cause: error };
  const stream = ownStream(leadsTo);
  if (stream !== undefined) {
    const name = stream === 1 ? "/dev/stdout" : "/dev/stderr";
    return new PortholeError("FILE", `${what}: it leads to ${name}, the container's own output`, {
      ...details,
      hint: hint ?? `open the first process's stream: /proc/1/fd/${stream}`,
    });
  }
  const self = /^\/proc\/(self|thread-self)(\/|$)/.exec(leadsTo)?.[1];
  if (self === undefined) return undefined;
  const message = `${what}: it leads to /proc/${self}, the process that opens it, which is not in the container`;
  return new PortholeError("FILE", message, { ...details, hint: "name a process, such as /proc/1" });
}

/** The error for a link of /proc/PID that the agent does not follow. */
export function unfollowedLinkError(what: string, leadsTo: string, error: PortholeError): PortholeError | undefined {
  if (error.errno !== "ELOOP" || !/^\/proc\/\d+\//.test(leadsTo)) return undefined;
  return new PortholeError("FILE", `${what}: ${leadsTo} is a magic link that porthole does not follow`, {
    errno: error.errno,
    hint: "it follows fd/N, and root, cwd and exe of /proc/PID that lead to a path of the container",
    cause: error,
  });
}

/**
 * Returns the error for a directory, or for a file opened for writing, on a file system that may
 * block. The agent passes neither. Undefined for any other path.
 */
export function notRelayedError(
  what: string,
  { mode, relayed }: Pick<FileStat, "mode" | "relayed">,
  cause: PortholeError,
): PortholeError | undefined {
  if (kindOf(mode) === "directory")
    return new PortholeError("FILE", `${what}: Is a directory on a file system that may not answer`, {
      errno: "EISDIR",
      hint: "porthole ls, find, grep and cp read it; for another command, copy it first: porthole cp",
      cause,
    });
  if (!relayed) return undefined;
  return new PortholeError("FILE", `${what}: its file system may not answer, so its files can only be read`, {
    errno: cause.errno,
    hint: "open it without --rw",
    cause,
  });
}

/**
 * The error for an access that the container's own rules deny to an agent inside it.
 * @param owner the file's owner, if known
 */
export function deniedOnMountRouteError(error: PortholeError, path: string, owner: number | undefined): PortholeError {
  const others = "--route direct and --route sidecar bypass them";
  const isOfProcess = /^\/+proc\/+\d+\/+(root|cwd|exe|fd)(\/|$)/.test(path);
  const message = `${error.message} on the mount route, where the container's own rules apply to porthole`;
  return new PortholeError("FILE", message, {
    errno: error.errno,
    hint: isOfProcess
      ? "--route direct and --route sidecar can read its processes"
      : owner === undefined
        ? others
        : `--user ${owner} reads as the file's owner; ${others}`,
    cause: error,
  });
}
