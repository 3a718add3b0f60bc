import { join } from "node:path";
import { PortholeError } from "../../errors.ts";
import { contextNamed, currentContext, type DockerContext, type Tls, tlsIn } from "./docker-contexts.ts";

/** An engine whose containers are on another kernel: over ssh or TCP, or in a virtual machine. */
export interface RemoteEngine {
  /** As the user wrote it, such as `ssh://me@box:2222`. */
  address: string;
  /** Where the address is from, for messages: `DOCKER_HOST`, `--engine` or `context 'x'`. */
  source: string;
  transport: SshTransport | TcpTransport | SocketTransport;
}

/** `docker system dial-stdio` on a host. */
export interface SshTransport {
  kind: "ssh";
  /** `[USER@]HOST`, as ssh(1) takes it. */
  destination: string;
  port: string | undefined;
  /** The engine's socket on that host; undefined for the default of docker on that host. */
  socketPath: string | undefined;
}

/** A socket of this machine that leads into a virtual machine. */
export interface SocketTransport {
  kind: "socket";
  socketPath: string;
}

/** An engine's port. */
export interface TcpTransport {
  kind: "tcp";
  host: string;
  port: number;
  /** Undefined for a connection without TLS. */
  tls: Tls | undefined;
}

/**
 * Returns the remote engine from `explicit`, else from `DOCKER_HOST`, else from the current docker
 * context. Undefined if that engine is local, or if no engine is selected.
 * @throws PortholeError USAGE for an address that is incomplete
 */
export function remoteEngine(
  explicit?: string,
  environment: NodeJS.ProcessEnv = process.env,
): RemoteEngine | undefined {
  if (explicit === "all") return undefined;
  if (explicit !== undefined) {
    if (explicit.includes("://")) return engineAt(explicit, "--engine", environmentTls(environment));
    return ofContext(contextNamed(explicit, environment));
  }
  const { DOCKER_HOST } = environment;
  if (DOCKER_HOST) return engineAt(DOCKER_HOST, "DOCKER_HOST", environmentTls(environment));
  const context = currentContext(environment);
  return context === undefined ? undefined : ofContext(contextNamed(context, environment));
}

function ofContext(context: DockerContext | undefined): RemoteEngine | undefined {
  return context && engineAt(context.host, `context '${context.name}'`, context.tls);
}

function engineAt(address: string, source: string, tls: Tls | undefined): RemoteEngine | undefined {
  if (address.startsWith("/") || address.startsWith("unix:")) return undefined;
  const parts = /^(ssh|tcp|https?):\/\/([^/]*)(\/.*)?$/.exec(address);
  if (parts === null) return undefined;
  const [, scheme, authority = "", path = ""] = parts;
  const [, host = "", port] = /^(.*?)(?::(\d+))?$/.exec(authority) ?? [];
  // ssh would parse a leading dash as an option.
  if (host === "" || host.startsWith("-") || /[\s'"\\;$`]/.test(authority + path))
    throw new PortholeError("USAGE", `${source}: invalid engine address '${address}'`, {
      hint: "use ssh://[USER@]HOST[:PORT] or tcp://HOST:PORT",
    });
  if (scheme === "ssh") {
    const socketPath = path === "" || path === "/" ? undefined : path;
    return { address, source, transport: { kind: "ssh", destination: host, port, socketPath } };
  }
  const isSecure = tls !== undefined || scheme === "https";
  const transport: TcpTransport = {
    ...{ kind: "tcp", host: host.replace(/^\[(.*)\]$/, "$1"), port: Number(port ?? (isSecure ? 2376 : 2375)) },
    tls: isSecure ? (tls ?? { ca: undefined, cert: undefined, key: undefined, verify: true }) : undefined,
  };
  return { address, source, transport };
}

/** Docker's `DOCKER_TLS_VERIFY` and `DOCKER_CERT_PATH`. */
function environmentTls({ DOCKER_TLS_VERIFY, DOCKER_TLS, DOCKER_CERT_PATH, HOME }: NodeJS.ProcessEnv): Tls | undefined {
  const verify = Boolean(DOCKER_TLS_VERIFY);
  if (!verify && !DOCKER_TLS && !DOCKER_CERT_PATH) return undefined;
  return tlsIn(DOCKER_CERT_PATH || join(HOME ?? "/", ".docker"), verify);
}
