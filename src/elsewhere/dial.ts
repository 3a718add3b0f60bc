import { readFileSync } from "node:fs";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import type { Engine } from "../engines/api/engine.ts";
import type { RemoteEngine, TcpTransport } from "../engines/api/remote-engine.ts";
import type { PortholeError } from "../errors.ts";
import { connectionError } from "./connection-error.ts";
import { SshConnection, SshStream } from "./ssh-connection.ts";

/** Connections to one remote engine. */
export interface Dialler {
  /** The engine for requests of docker-client.ts. */
  engine: Engine;
  /** Begins a connection by ssh for the next request, because it takes several round trips. */
  prepare(): void;
  /** Returns the error for a failed request: the connection's failure, if the connection failed. */
  explain(error: unknown): PortholeError;
  /** True if ssh has reached the host, but the engine's API failed on it. */
  isHostReached(): boolean;
  /** Ends every connection. */
  close(): void;
}

/**
 * Connects as docker itself does: `ssh HOST docker system dial-stdio`, or TCP with its TLS files.
 * @param begun the first connection; see {@link beginConnection}
 */
export function dialler(remote: RemoteEngine, begun?: SshConnection): Dialler {
  const { transport, address, source } = remote;
  if (transport.kind === "ssh") return sshDialler(remote, () => new SshConnection(transport), begun);
  const open = new Set<Duplex>();
  const dial = () => {
    const stream = transport.kind === "tcp" ? tcpStream(transport) : connect(transport.socketPath);
    open.add(stream);
    stream.once("close", () => open.delete(stream));
    stream.on("error", () => undefined);
    return stream;
  };
  return {
    engine: { socketPath: address, source, name: address, dial },
    prepare: () => undefined,
    explain: (error) => connectionError(remote, undefined, error),
    isHostReached: () => false,
    close: () => {
      for (const stream of open) stream.destroy();
    },
  };
}

/**
 * Requests use a connection one after another: each connection costs a key exchange and a process
 * on the host.
 */
function sshDialler(remote: RemoteEngine, begin: () => SshConnection, begun: SshConnection | undefined): Dialler {
  const { address, source } = remote;
  const open = new Set<SshConnection>();
  const idle: SshConnection[] = [];
  /** Connections that have carried no request. If one fails, so would the next. */
  const unused = new Set<SshConnection>();
  let failure: string | undefined;
  let isHostReached = false;
  const use = (connection: SshConnection) => {
    open.add(connection);
    unused.add(connection);
    connection.onEnd = (why, isReached) => {
      open.delete(connection);
      if (why === undefined) return;
      isHostReached ||= isReached;
      // An idle connection may fail.
      if (unused.has(connection) || !idle.includes(connection)) failure ??= why;
    };
    return connection;
  };
  const isUsable = (connection: SshConnection) => !connection.hasEnded || unused.has(connection);
  if (begun !== undefined) idle.push(use(begun));
  const dial = () => {
    let connection = idle.shift();
    while (connection !== undefined && !isUsable(connection)) connection = idle.shift();
    connection ??= use(begin());
    unused.delete(connection);
    return connection.open();
  };
  const reuse = (stream: Duplex) => {
    const connection = stream instanceof SshStream ? stream.release() : undefined;
    if (connection !== undefined) idle.push(connection);
  };
  return {
    engine: { socketPath: address, source, name: address, dial, reuse },
    prepare: () => {
      if (!idle.some(isUsable)) idle.push(use(begin()));
    },
    explain: (error) => connectionError(remote, failure, error),
    isHostReached: () => isHostReached,
    close: () => {
      for (const connection of open) connection.end();
    },
  };
}

function tcpStream({ host, port, tls }: TcpTransport): Duplex {
  if (tls === undefined) return connect({ host, port, keepAlive: true });
  const read = (path: string | undefined) => (path === undefined ? undefined : readFileSync(path));
  const socket = connectTls({
    ...{ host, port, ca: read(tls.ca), cert: read(tls.cert), key: read(tls.key) },
    // SNI allows no IP addresses.
    ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }),
    rejectUnauthorized: tls.verify,
  });
  socket.setKeepAlive(true);
  return socket;
}
