import { readFileSync } from "node:fs";
import { PortholeError } from "./errors.ts";
import { decodeText } from "./text/encoding/decode.ts";
import { encodeText } from "./text/encoding/encode.ts";

/**
 * A parsed target. Paths are text in which a lone surrogate U+DC80..U+DCFF stands for a byte that
 * is not UTF-8 (as in Python's surrogateescape). So every path can be split and joined as text: see
 * {@link pathBytes}.
 */
export type Target =
  | { kind: "local"; path: string }
  /** `pid` in this PID namespace. */
  | { kind: "process"; pid: number; path: string }
  /**
   * `name`: container name, id or id prefix, Compose service, `service-2` for a single replica,
   * `project/service`, or `pod:[NAMESPACE/]POD[/CONTAINER]` on a Kubernetes node.
   */
  | { kind: "container"; name: string; path: string }
  /**
   * `name`: an image name with or without tag or digest: `nginx:1.25`,
   * `localhost:5000/team/web@sha256:...`.
   */
  | { kind: "image"; name: string; path: string }
  | { kind: "volume"; name: string; path: string }
  /** A container's output, as its engine stores it. `name` is as for a container. */
  | { kind: "output"; name: string; path: OutputPath };

/** A container's stream: `@logs` is both, in order. */
export type OutputPath = "@stdout" | "@stderr" | "@logs";

/**
 * Parses `web:/var/log/app.log`, `project/service:/path`, `image:NAME:/path`, `volume:NAME:/path`,
 * `pod:NAMESPACE/POD/CONTAINER:/path`, `web:@logs`, `pid:123:/path`, `/path`, `./path`. As in scp
 * and docker cp, a colon after a slash belongs to the path, except in Compose's `name/name:/` and
 * in image names. A path in a container starts at its root.
 * @throws PortholeError USAGE
 */
export function parseTarget(text: string): Target {
  const special = specialTarget(text);
  if (special !== undefined) return special;
  if (isPattern(text)) {
    throw new PortholeError("USAGE", `'${text}' is a pattern of several containers, but one is needed here`, {
      hint: "name one container; for a file of this machine write ./ before it",
    });
  }
  const colon = text.indexOf(":");
  const slash = text.indexOf("/");
  if (colon === -1 || (slash !== -1 && slash < colon) || text.startsWith(".")) {
    if (text === "") throw new PortholeError("USAGE", "an empty target", { hint: "write CONTAINER:PATH or a path" });
    return { kind: "local", path: text };
  }
  const name = text.slice(0, colon);
  const path = text.slice(colon + 1);
  if (name === "pid") return processTarget(text, path);
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name)) {
    throw new PortholeError("USAGE", `'${text}': '${name}' is not a valid container name`, {
      hint: "for a file of this machine whose name has a colon write ./NAME",
    });
  }
  if (path === "") throw noPath(text);
  return { kind: "container", name, path };
}

/**
 * Parses a target that is not just `NAME:PATH`. A regular expression that is used once takes longer
 * than the parts of the text that it needs take to find.
 */
function specialTarget(text: string): Target | undefined {
  const kept = text.startsWith("image:") || text.startsWith("volume:") ? KEPT.exec(text) : null;
  if (kept !== null) return keptTarget(text, kept[1] as keyof typeof NAMES, kept[2] as string);
  const pod = text.startsWith("pod:") ? POD.exec(text) : null;
  if (pod !== null) return podTarget(text, pod[1] as string);
  const output = text.includes(":@") ? OUTPUT.exec(text) : null;
  if (output !== null) return outputTarget(text, output[1] as string, output[2] as string);
  const compose = text.indexOf("/") < text.indexOf(":/") ? PROJECT_SERVICE.exec(text) : null;
  return compose === null ? undefined : { kind: "container", name: compose[1] as string, path: compose[2] as string };
}

const KEPT = /^(image|volume):(?!\/)(.*)$/s;

/** A container may have the name `pod`: `pod:/path` and `pod:@logs` refer to it. */
const POD = /^pod:(?![/@])(.*)$/s;
const POD_NAME = /^[A-Za-z0-9][\w.-]*(?:\/[A-Za-z0-9][\w.-]*){0,2}$/;

/** Parses a pod target. The first `:/` or `:@` ends the name. */
function podTarget(text: string, rest: string): Target {
  const [, name, path = ""] = /^(.*?):([/@].*)$/s.exec(rest) ?? [];
  if (name === undefined) {
    throw new PortholeError("USAGE", `'${text}' has no path that begins with a slash`, {
      hint: "write for example pod:NAMESPACE/POD/CONTAINER:/etc/hostname",
    });
  }
  if (!POD_NAME.test(name)) {
    throw new PortholeError("USAGE", `'${text}': '${name}' is not a valid pod name`, {
      hint: "write pod:[NAMESPACE/]POD[/CONTAINER]:/path",
    });
  }
  return path.startsWith("@")
    ? outputTarget(text, `pod:${name}`, path)
    : { kind: "container", name: `pod:${name}`, path };
}

const PROJECT_SERVICE = /^([A-Za-z0-9][A-Za-z0-9_.-]*\/[A-Za-z0-9][A-Za-z0-9_.-]*):(\/.*)$/s;

const OUTPUT = /^([A-Za-z0-9][A-Za-z0-9_.-]*(?:\/[A-Za-z0-9][A-Za-z0-9_.-]*)?):(@.*)$/s;

/** True for a pattern of containers, which every command for several targets accepts. */
function isPattern(text: string): boolean {
  return (text.includes("*") || text.includes("?") || text.includes("[")) && SEVERAL.test(text);
}

const SEVERAL = /^(?=[^:]*[*?[])[A-Za-z0-9*?[][\w.*?[\]!^-]*(?:\/[A-Za-z0-9*?[][\w.*?[\]!^-]*)?:(?:[/@]|[^/]*$)/;

function outputTarget(text: string, name: string, path: string): Target {
  if (path === "@stdout" || path === "@stderr" || path === "@logs") return { kind: "output", name, path };
  throw new PortholeError("USAGE", `'${text}': '${path}' is not an output stream`, {
    hint: `write ${name}:@stdout, ${name}:@stderr or ${name}:@logs; for a file of that name ${name}:/${path}`,
  });
}

/**
 * Like {@link parseTarget}, but with an optional path: `web`, `project/service`, `image:NAME`,
 * `volume:NAME`, `pod:NAME`, `pid:123`.
 * @throws PortholeError USAGE
 */
export function parseSessionTarget(text: string): Target {
  if (/^(image|volume|pod):(?![/@])/.test(text) && !/:[/@]/.test(text)) return parseTarget(`${text}:/`);
  if (/^pid:\d+$/.test(text) || /^[^/:.][^/:]*(\/[^/:.][^/:]*)?$/.test(text)) return parseTarget(`${text}:/`);
  return parseTarget(text);
}

/** The target without its path; empty for this machine. */
export function targetName(target: Target): string {
  if (target.kind === "local") return "";
  if (target.kind === "process") return `pid:${target.pid}`;
  if (target.kind === "output") return `${target.name}:@`;
  return target.kind === "container" ? target.name : `${target.kind}:${target.name}`;
}

/** A target that may have any path. */
export type PathTarget = Exclude<Target, { kind: "output" }>;

/** The same target with another path. */
export function withPath<T extends PathTarget>(target: T, path: string): T {
  return { ...target, path };
}

/** Allowed characters of a name, and an example. */
const NAMES = {
  image: { form: /^[A-Za-z0-9][A-Za-z0-9_./:@-]*$/, example: "image:nginx:1.25:/etc/nginx/nginx.conf" },
  volume: { form: /^[A-Za-z0-9][A-Za-z0-9_.-]*$/, example: "volume:data:/app.db" },
} as const;

/**
 * Parses an image or volume. The first `:/` ends the name. Tags, digests and registry ports have
 * colons, but no name contains `:/`.
 */
function keptTarget(text: string, kind: keyof typeof NAMES, rest: string): Target {
  const { form, example } = NAMES[kind];
  const end = rest.indexOf(":/");
  if (end === -1) {
    throw new PortholeError("USAGE", `'${text}' has no path that begins with a slash`, {
      hint: form.test(rest) ? `write ${text}:/ for all its files` : `write for example ${example}`,
    });
  }
  const name = rest.slice(0, end);
  if (!form.test(name)) {
    throw new PortholeError("USAGE", `'${text}': '${name}' is not a valid ${kind} name`, {
      hint: `write for example ${example}`,
    });
  }
  return { kind, name, path: rest.slice(end + 1) };
}

function processTarget(text: string, rest: string): Target {
  const match = /^(\d{1,10}):(.*)$/s.exec(rest);
  const pid = Number(match?.[1]);
  if (match === null || pid === 0 || pid > 0x7fff_ffff) {
    throw new PortholeError("USAGE", `'${text}' is not of the form pid:NUMBER:PATH`, {
      hint: "for example pid:1234:/etc/hosts",
    });
  }
  if (match[2] === "") throw noPath(text);
  return { kind: "process", pid, path: match[2] as string };
}

/** @param text the target up to its last colon */
function noPath(text: string): PortholeError {
  return new PortholeError("USAGE", `'${text}' has no path`, {
    hint: `write ${text}/ for the root, or ${text}/etc/hosts`,
  });
}

/** The bytes of a path. Lone surrogates U+DC80..U+DCFF become the bytes that they represent. */
export function pathBytes(text: string): Buffer {
  return encodeText(text);
}

/**
 * The text of a path: UTF-8 where valid, lone surrogates for other bytes. The inverse of
 * {@link pathBytes}.
 */
export function pathText(bytes: Uint8Array): string {
  return decodeText(bytes);
}

/**
 * Restores the bytes of arguments: Node decodes argv as UTF-8 and loses invalid bytes.
 * /proc/self/cmdline has the original bytes (proc_pid_cmdline(5)).
 * @param args the tail of `process.argv`
 */
export function exactArguments(args: readonly string[]): string[] {
  if (!args.some((arg) => arg.includes("\ufffd"))) return [...args];
  const raw = readFileSync("/proc/self/cmdline");
  const pieces: Buffer[] = [];
  for (let at = 0; at < raw.length; ) {
    const end = raw.indexOf(0, at);
    pieces.push(raw.subarray(at, end === -1 ? raw.length : end));
    at = end === -1 ? raw.length : end + 1;
  }
  return pieces.slice(pieces.length - args.length).map(pathText);
}
