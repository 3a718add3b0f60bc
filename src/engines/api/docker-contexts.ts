import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readOr } from "../../errors.ts";
import { homeDirectory } from "./home-directory.ts";

/** A docker context: a name for an engine's address (`docker context ls`). */
export interface DockerContext {
  name: string;
  /** Such as `unix:///run/user/1000/docker.sock` or `ssh://box`. */
  host: string;
  /** Its certificates, for an engine over TCP. */
  tls: Tls | undefined;
}

/** Paths of PEM files; undefined if missing. */
export interface Tls {
  ca: string | undefined;
  cert: string | undefined;
  key: string | undefined;
  /** False accepts any certificate of the engine. */
  verify: boolean;
}

/** The PEM files of a directory, by docker's names. */
export function tlsIn(directory: string, verify: boolean): Tls {
  const file = (name: string) => [join(directory, name)].find((path) => existsSync(path));
  return { ca: file("ca.pem"), cert: file("cert.pem"), key: file("key.pem"), verify };
}

/**
 * Name of the current docker context, from `DOCKER_CONTEXT`, else docker's configuration; undefined
 * for the default one.
 */
export function currentContext(environment: NodeJS.ProcessEnv): string | undefined {
  const name =
    environment.DOCKER_CONTEXT ||
    readJson<{ currentContext?: string }>(join(configuration(environment), "config.json"))?.currentContext;
  return typeof name === "string" && name !== "" && name !== "default" ? name : undefined;
}

/** Returns the context of that name; undefined if there is no such context or it has no address. */
export function contextNamed(name: string, environment: NodeJS.ProcessEnv): DockerContext | undefined {
  // Loaded on first use: few users have a context, and every command would pay for the import.
  const { createHash } = process.getBuiltinModule("node:crypto");
  return readContext(createHash("sha256").update(name).digest("hex"), environment);
}

/** Every context except the default one, which has no file, sorted by name. */
export function allContexts(environment: NodeJS.ProcessEnv): DockerContext[] {
  return readOr([], () => readdirSync(metadata(environment)))
    .map((id) => readContext(id, environment))
    .filter((context) => context !== undefined)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** `id` is the SHA-256 of the context's name. */
function readContext(id: string, environment: NodeJS.ProcessEnv): DockerContext | undefined {
  const meta = readJson<{ Name?: unknown; Endpoints?: { docker?: { Host?: unknown; SkipTLSVerify?: unknown } } }>(
    join(metadata(environment), id, "meta.json"),
  );
  const name = meta?.Name;
  const { Host: host, SkipTLSVerify: isUnverified } = meta?.Endpoints?.docker ?? {};
  if (typeof name !== "string" || typeof host !== "string" || host === "") return undefined;
  const certificates = join(configuration(environment), "contexts", "tls", id, "docker");
  return { name, host, tls: existsSync(certificates) ? tlsIn(certificates, isUnverified !== true) : undefined };
}

function metadata(environment: NodeJS.ProcessEnv): string {
  return join(configuration(environment), "contexts", "meta");
}

function configuration(environment: NodeJS.ProcessEnv): string {
  return environment.DOCKER_CONFIG || join(homeDirectory(environment) ?? "/", ".docker");
}

function readJson<T>(path: string): T | undefined {
  return readOr(undefined, () => (JSON.parse(readFileSync(path, "utf8")) as T | null) ?? undefined);
}
