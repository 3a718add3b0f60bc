import { EngineError } from "../engines/api/engine-error.ts";
import type { RemoteEngine, SshTransport, TcpTransport } from "../engines/api/remote-engine.ts";
import { messageOf, PortholeError } from "../errors.ts";

const CLOSED = "the engine closed the connection without a response";
const NOT_HTTP = "the response is not HTTP";

/** The reason of a connection by ssh on a machine without ssh. */
export const NO_SSH = "ssh is not installed";

/**
 * The error for a failed request to a remote engine: one line with the remedy.
 * @param failure why the connection itself failed
 */
export function connectionError(
  { address, source, transport }: RemoteEngine,
  failure: string | undefined,
  error: unknown,
): PortholeError {
  // An error that the engine returned is not a connection failure.
  if (error instanceof EngineError || (error instanceof PortholeError && failure === undefined)) return error;
  const { code } = error as NodeJS.ErrnoException;
  const why = failure ?? reasonOf(error, transport.kind === "tcp" ? transport.host : undefined);
  const hint =
    transport.kind === "ssh"
      ? sshHint(why, transport)
      : transport.kind === "tcp"
        ? tcpHint(why, code, transport)
        : "start the virtual machine";
  return new PortholeError("TARGET", `cannot connect to the container engine at ${address} (${source}): ${why}`, {
    errno: code,
    hint,
    cause: error,
  });
}

/** The error for an engine that accepts a connection and does not respond. */
export function silentEngine({ address, transport }: RemoteEngine, ms: number, cause: unknown): PortholeError {
  const host = transport.kind === "ssh" ? `${sshCommand(transport)} docker info` : `docker -H ${address} info`;
  return new PortholeError("TARGET", `the engine at ${address} did not respond in ${ms / 1000} s`, {
    errno: "ETIMEDOUT",
    hint: `check it: ${transport.kind === "socket" ? "docker info" : host}`,
    cause,
  });
}

/** Reasons of a failed connection, by Node's codes. */
const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: CLOSED,
  EPIPE: CLOSED,
  ETIMEDOUT: "connection timed out",
  EHOSTUNREACH: "no route to the host",
  ENETUNREACH: "the network is not reachable",
  EAI_AGAIN: "the host's name cannot be resolved now",
};

function reasonOf(error: unknown, host: string | undefined): string {
  const { message, code = "" } = error as NodeJS.ErrnoException;
  if (code === "ENOTFOUND") return "the host's name is not known";
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") return `TLS failed: the engine's certificate is not for ${host}`;
  if (code.startsWith("HPE_")) return NOT_HTTP;
  // OpenSSL: error:0A00010B:SSL routines:ssl3_get_record:wrong version number:../ssl3_record.c:350:
  const ofTls = /error:[0-9A-F]+:[^:]* routines:[^:]*:([^:]+)/.exec(message)?.[1];
  if (ofTls !== undefined) return `TLS failed: ${ofTls}`;
  if (/certificate/i.test(message)) return `TLS failed: ${message}`;
  return REASONS[code] ?? messageOf(error);
}

function sshCommand({ destination, port }: SshTransport): string {
  return `ssh ${port === undefined ? "" : `-p ${port} `}${destination}`;
}

function sshHint(why: string, transport: SshTransport): string {
  const ssh = sshCommand(transport);
  if (why === NO_SSH) return "install it, such as with apt-get install openssh-client";
  if (/dial unix.*permission denied/i.test(why))
    return "add the user there to the group of the socket, such as with sudo usermod -aG docker USER";
  if (/dial unix|raw stream/i.test(why)) return `check the engine there: ${ssh} docker info`;
  if (/command not found|not found$|No such file/i.test(why))
    return `install docker there, or run porthole there: ${ssh.replace("ssh ", "ssh -t ")} porthole ...`;
  if (/permission denied \(|too many authentication/i.test(why))
    return `the host accepts none of your keys: check ${ssh}, ssh-add -l and its authorized_keys`;
  if (/host key verification/i.test(why)) return `run ${ssh} once and check the host's key`;
  if (/docker/i.test(why)) return `check the engine there: ${ssh} docker info`;
  return `check the connection: ${ssh} docker info`;
}

function tcpHint(why: string, code: string | undefined, { host, port, tls }: TcpTransport): string {
  if (tls === undefined && [CLOSED, NOT_HTTP].includes(why))
    return "the engine requires TLS: set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH, or use a docker context";
  if (/wrong version number|packet length too long/.test(why))
    return "the engine there does not use TLS: unset DOCKER_TLS_VERIFY, or check the docker context";
  if (/^TLS failed|certificate|ssl/i.test(`${why} ${code}`))
    return "check ca.pem, cert.pem and key.pem in DOCKER_CERT_PATH or of the docker context";
  return `check that the engine listens there: docker -H tcp://${host}:${port} info`;
}
