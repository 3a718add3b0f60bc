import { PortholeError } from "../errors.ts";

/*
 * What to say, and to do instead, where the kernel's words for a path inside a container do not help.
 */

/** Which of its opener's standard streams a path leads to, its links followed; undefined for any other path. */
export function ownStream(leadsTo: string): 1 | 2 | undefined {
  const match = /^\/(?:proc\/(?:self|thread-self)\/fd\/([12])|dev\/(?:fd\/([12])|std(out|err)))$/.exec(leadsTo);
  if (match === null) return undefined;
  const [, ofProcess, ofDevice, name] = match;
  return (ofProcess ?? ofDevice) === "1" || name === "out" ? 1 : 2;
}

/**
 * For a path that leads to one of the opener's own descriptors, as a log that is a link to /dev/stdout; undefined for any other.
 * @param leadsTo the path with its links followed
 * @param hint where the container's output is kept, or why it has none
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
      hint: hint ?? `what the first process writes there is /proc/1/fd/${stream}`,
    });
  }
  const self = /^\/proc\/(self|thread-self)(\/|$)/.exec(leadsTo)?.[1];
  if (self === undefined) return undefined;
  const message = `${what}: it leads to /proc/${self}, which is the process that opens it, and that is none of the container's`;
  return new PortholeError("FILE", message, { ...details, hint: "name a process: /proc/1 is the first" });
}

/** For a link of /proc/PID that is not followed. */
export function unfollowedLinkError(what: string, leadsTo: string, error: PortholeError): PortholeError | undefined {
  if (error.errno !== "ELOOP" || !/^\/proc\/\d+\//.test(leadsTo)) return undefined;
  return new PortholeError("FILE", `${what}: ${leadsTo} is a link of the kernel's that is not followed`, {
    errno: error.errno,
    hint: "/proc/PID/root, cwd and exe are, where they lead to a path of the container, and fd/N",
    cause: error,
  });
}

/** For what the container's own rules forbid an agent that lives by them; `owner`: the file's, where it is known. */
export function deniedOnMountRouteError(error: PortholeError, path: string, owner: number | undefined): PortholeError {
  const others = "--route direct and --route sidecar are not bound by them";
  const isOfProcess = /^\/+proc\/+\d+\/+(root|cwd|exe|fd)(\/|$)/.test(path);
  const message = `${error.message} on the mount route, where the container's own rules hold for porthole too`;
  return new PortholeError("FILE", message, {
    errno: error.errno,
    hint: isOfProcess
      ? "--route direct and --route sidecar may look into its processes"
      : owner === undefined
        ? others
        : `--user ${owner} reads as the file's owner; ${others}`,
    cause: error,
  });
}
