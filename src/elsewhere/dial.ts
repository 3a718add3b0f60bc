import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import type { Engine } from "../engines/engine.ts";
import { EngineError } from "../engines/engine-error.ts";
import type { RemoteEngine, SshTransport, TcpTransport } from "../engines/remote-engine.ts";
import { PortholeError } from "../errors.ts";

/** Connections to one remote engine. */
export interface Dialler {
  /** For requests of docker-client.ts. */
  engine: Engine;
  /**
   * Begins that many connections at once, for the next requests: a connection by ssh takes several
   * round trips.
   */
  prepare(count: number): void;
  /** The error for a failed request: the connection's failure, if it failed. */
  explain(error: unknown): PortholeError;
  /** True if ssh has reached the host, and the engine's API failed there. */
  isHostReached(): boolean;
  /** Ends every connection. */
  close(): void;
}

/** Connects as docker itself does: `ssh HOST docker system dial-stdio`, or TCP with its TLS files. */
export function dialler(remote: RemoteEngine): Dialler {
  const { transport } = remote;
  const ready: Duplex[] = [];
  const open = new Set<Duplex>();
  let failure: string | undefined;
  let isHostReached = false;
  const begin = () => {
    const stream = streamOver(transport, (why, reached = false) => {
      isHostReached ||= reached;
      // A prepared connection that no request uses may fail.
      if (ready.includes(stream)) ready.splice(ready.indexOf(stream), 1);
      else failure ??= why;
    });
    open.add(stream);
    stream.once("close", () => open.delete(stream));
    stream.on("error", () => undefined);
    return stream;
  };
  const dial = () => {
    for (let next = ready.shift(); next !== undefined; next = ready.shift()) if (!next.destroyed) return next;
    return begin();
  };
  return {
    engine: { socketPath: remote.address, source: remote.source, name: remote.address, dial },
    prepare: (count) => {
      while (ready.length < count) ready.push(begin());
    },
    explain: (error) => explained(remote, failure, error),
    isHostReached: () => isHostReached,
    close: () => {
      for (const stream of open) stream.destroy();
    },
  };
}

function streamOver(transport: RemoteEngine["transport"], failed: Failed): Duplex {
  if (transport.kind === "ssh") return new SshStream(transport, failed);
  return transport.kind === "tcp" ? tcpStream(transport) : connect(transport.socketPath);
}

/** @param isHostReached the command there failed, and not ssh */
type Failed = (why: string, isHostReached?: boolean) => void;

/** The standard streams of `docker system dial-stdio`, as Node's HTTP client wants a socket. */
class SshStream extends Duplex {
  readonly #child: ChildProcess;
  #stderr = "";

  /** @param failed receives why the connection ended, if ssh itself or the command there failed */
  constructor({ destination, port, socketPath }: SshTransport, failed: Failed) {
    super({ allowHalfOpen: true });
    const there = ["docker", ...(socketPath === undefined ? [] : ["--host", `unix://${socketPath}`])];
    const args = ["-o", "ConnectTimeout=30", "-T", ...(port === undefined ? [] : ["-p", port]), "--", destination];
    // In a session of its own: Ctrl-C is for the command there, which ends the connection.
    this.#child = spawn("ssh", [...args, ...there, "system", "dial-stdio"], { detached: true });
    const { stdin, stdout, stderr } = this.#child;
    stdout?.on("data", (bytes: Buffer) => {
      if (!this.push(bytes)) stdout.pause();
    });
    stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-2_000);
    });
    stdin?.on("error", () => undefined);
    this.#child.once("error", (error: NodeJS.ErrnoException) => {
      failed(error.code === "ENOENT" ? NO_SSH : `ssh: ${error.message}`);
      this.destroy(error);
    });
    this.#child.once("close", (status) => {
      // ssh ends with status 255 when this process ends it.
      if (!this.destroyed && status !== 0 && status !== null)
        failed(lastLine(this.#stderr) || `ssh ended with status ${status}`, status !== SSH_FAILED);
      this.push(null);
    });
  }

  override _read(): void {
    this.#child.stdout?.resume();
  }

  override _write(bytes: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    const { stdin } = this.#child;
    if (stdin?.writable) stdin.write(bytes, () => done());
    else done();
  }

  override _final(done: () => void): void {
    this.#child.stdin?.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#child.kill();
    done(error);
  }

  /** Methods of net.Socket that Node's HTTP client calls. */
  setTimeout(): this {
    return this;
  }
  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
}

/** ssh(1), "Exit status". */
const SSH_FAILED = 255;
const NO_SSH = "ssh is not installed";

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1)?.trim() ?? "";
}

function tcpStream({ host, port, tls }: TcpTransport): Duplex {
  if (tls === undefined) return connect({ host, port, keepAlive: true });
  const read = (path: string | undefined) => (path === undefined ? undefined : readFileSync(path));
  const socket = connectTls({
    ...{ host, port, ca: read(tls.ca), cert: read(tls.cert), key: read(tls.key) },
    // SNI has no addresses.
    ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }),
    rejectUnauthorized: tls.verify,
  });
  socket.setKeepAlive(true);
  return socket;
}

/** One line with the remedy. */
function explained(
  { address, source, transport }: RemoteEngine,
  failure: string | undefined,
  error: unknown,
): PortholeError {
  // An error that the engine returned is not a connection failure.
  if (error instanceof EngineError || (error instanceof PortholeError && failure === undefined)) return error;
  const { message, code } = error as NodeJS.ErrnoException;
  const why = failure ?? message.replace(/^connect /, "");
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

function sshHint(why: string, { destination, port }: SshTransport): string {
  const ssh = `ssh ${port === undefined ? "" : `-p ${port} `}${destination}`;
  if (why === NO_SSH) return "install it, such as with apt-get install openssh-client";
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
  if (tls === undefined && /parse error|hang up|without a response/i.test(why))
    return "the engine requires TLS: set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH, or use a docker context";
  if (/certificate|self.signed|alert|altnames|ssl/i.test(`${why} ${code}`))
    return "check ca.pem, cert.pem and key.pem in DOCKER_CERT_PATH or of the docker context";
  return `check that the engine listens there: docker -H tcp://${host}:${port} info`;
}
