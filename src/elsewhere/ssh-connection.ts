import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { Duplex } from "node:stream";
import { spawnChild } from "../descriptors/processes/child-process.ts";
import type { RemoteEngine, SshTransport } from "../engines/api/remote-engine.ts";
import { NO_SSH } from "./connection-error.ts";

/** A connection by `ssh HOST docker system dial-stdio`. Requests may use it one after another. */
export class SshConnection {
  #onEnd: OnEnd = () => undefined;
  #end: Parameters<OnEnd> | undefined;
  readonly #child: ChildProcessWithoutNullStreams;
  #stream: SshStream | undefined;
  #stderr = "";

  constructor({ destination, port, socketPath }: SshTransport) {
    const there = ["docker", ...(socketPath === undefined ? [] : ["--host", `unix://${socketPath}`])];
    const args = ["-o", "ConnectTimeout=30", "-T", ...(port === undefined ? [] : ["-p", port]), "--", destination];
    // Runs ssh in its own session. So Ctrl-C reaches only the remote command, whose end closes the
    // connection.
    this.#child = spawnChild("ssh", [...args, ...there, "system", "dial-stdio"], { detached: true });
    const { stdin, stdout, stderr } = this.#child;
    stdout.on("data", (bytes: Buffer) => this.#take(bytes));
    stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-2_000);
    });
    stdin.on("error", () => undefined);
    this.#child.once("error", (error: NodeJS.ErrnoException) => {
      this.#hasEndedBy(error.code === "ENOENT" ? NO_SSH : `ssh: ${error.message}`, false);
      this.#stream?.destroy(error);
    });
    this.#child.once("close", (status) => {
      const isFailure = status !== 0 && status !== null;
      const why = isFailure ? lastLine(this.#stderr) || `ssh ended with status ${status}` : undefined;
      this.#hasEndedBy(why, isFailure && status !== SSH_FAILED);
      this.#stream?.push(null);
    });
  }

  get hasEnded(): boolean {
    return this.#end !== undefined;
  }

  /** Sets the listener for the end of the connection. It is called once, also after the end. */
  set onEnd(listener: OnEnd) {
    this.#onEnd = listener;
    if (this.#end !== undefined) listener(...this.#end);
  }

  /**
   * Returns a stream for one request. Its end ends the connection unless {@link SshStream.release}
   * was called.
   */
  open(): SshStream {
    this.#stream = new SshStream(this.#child, {
      release: () => {
        this.#stream = undefined;
        return this.hasEnded ? undefined : this;
      },
      end: () => this.end(),
    });
    if (this.hasEnded) this.#stream.push(null);
    return this.#stream;
  }

  /** Ends the connection, with the stream that uses it. */
  end(): void {
    // ssh then ends with status 255.
    this.#hasEndedBy(undefined, false);
    this.#child.kill();
    this.#stream?.destroy();
  }

  #take(bytes: Buffer): void {
    // Bytes that arrive between two responses are not HTTP.
    if (this.#stream === undefined) this.end();
    else if (!this.#stream.push(bytes)) this.#child.stdout.pause();
  }

  #hasEndedBy(...end: Parameters<OnEnd>): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#onEnd(...end);
  }
}

/**
 * @param why undefined if ssh and the remote command have succeeded, or if this process has ended
 * the connection
 * @param isHostReached true if the remote command failed, and not ssh
 */
type OnEnd = (why: string | undefined, isHostReached: boolean) => void;

/**
 * Begins a connection by ssh, for {@link dialler}. It takes several round trips, so it begins
 * before the code that uses it is loaded. Undefined for an engine that is reached in another way.
 */
export function beginConnection({ transport }: RemoteEngine): SshConnection | undefined {
  return transport.kind === "ssh" ? new SshConnection(transport) : undefined;
}

/** The operations of a stream on its connection. */
interface Owner {
  release(): SshConnection | undefined;
  end(): void;
}

/**
 * Provides the standard streams of `docker system dial-stdio` as a socket for Node's HTTP client.
 */
export class SshStream extends Duplex {
  readonly #child: ChildProcessWithoutNullStreams;
  #owner: Owner | undefined;

  constructor(child: ChildProcessWithoutNullStreams, owner: Owner) {
    super({ allowHalfOpen: true });
    this.#child = child;
    this.#owner = owner;
    this.on("error", () => undefined);
  }

  /**
   * Returns the connection for the next request, if it is open. This stream then ends without
   * ending the connection.
   */
  release(): SshConnection | undefined {
    const owner = this.#owner;
    this.#owner = undefined;
    return owner?.release();
  }

  override _read(): void {
    this.#child.stdout.resume();
  }

  override _write(bytes: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    const { stdin } = this.#child;
    if (stdin.writable) stdin.write(bytes, () => done());
    else done();
  }

  override _final(done: () => void): void {
    if (this.#owner === undefined) done();
    else this.#child.stdin.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const owner = this.#owner;
    this.#owner = undefined;
    owner?.end();
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

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1)?.trim() ?? "";
}
