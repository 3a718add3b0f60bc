import { randomBytes, timingSafeEqual } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { EPOLLIN } from "../descriptors/constants.ts";
import { acceptFrom, FdSocket, listenAt, peerCredentials, peerPidfd } from "../descriptors/fd-socket.ts";
import type { OwnedFd } from "../descriptors/owned-fd.ts";
import { isAlive } from "../descriptors/pidfd.ts";
import { Reactor, readable } from "../descriptors/poll.ts";
import { attachInterrupted, PortholeError } from "../errors.ts";
import { type AgentInfo, decodeAgentInfo } from "../protocol/agent-info.ts";
import { decodeMessage, encodeServe } from "../protocol/codec.ts";
import { Op, TOKEN_BYTES } from "../protocol/messages.ts";
import { startTime } from "./process.ts";
import { receiveTree } from "./receive-tree.ts";
import { MOUNT_POINT, openRunDirectory, type RunDirectory } from "./run-dir.ts";

/**
 * An agent's process in this process's PID namespace. The start time distinguishes the process from
 * a later one with the same number.
 */
export interface AgentProcess {
  pid: number;
  /** From `startTime` in process.ts; empty if /proc does not show it. */
  started: string;
}

/** An agent that connected. */
export interface ConnectedAgent {
  info: AgentInfo;
  process: AgentProcess;
  /** Set only if {@link RendezvousOptions.tree} requested it. The caller owns it. */
  tree?: OwnedFd;
}

/** A one-time socket to which a new agent connects. */
export interface Rendezvous {
  /** Path of the socket inside the container. */
  insidePath: string;
  /** Input for the agent's standard input: the token in hexadecimal digits and a newline. */
  tokenLine: string;
  /**
   * Waits for the agent, passes it `listener` and closes the rendezvous. Drops connections without
   * the token, or from a peer that `isOurs` refuses, and continues to wait.
   * @throws PortholeError ATTACH at the deadline or for an agent of another version; CANCELLED
   * through the signal
   */
  accept(
    listener: OwnedFd | undefined,
    isOurs: (peerPid: number) => Promise<boolean>,
    options: RendezvousOptions,
  ): Promise<ConnectedAgent>;
  /** Closes the rendezvous, as {@link accept} also does. Idempotent. */
  close(): void;
}

export interface RendezvousOptions extends TimeoutOptions {
  /**
   * Flags of `TreeFlag`: the agent passes a tree instead of serving `listener`, which is undefined
   * then.
   */
  tree?: number | undefined;
  /**
   * A descriptor that also goes to the agent, and ends it when it becomes readable. The caller owns
   * it.
   */
  witness?: OwnedFd | undefined;
}

export interface TimeoutOptions {
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

/**
 * Opens a rendezvous in the directory that containers see. The socket has mode 0666, because an
 * agent without capabilities, with another uid or in a user namespace could not connect otherwise.
 * The token and the peer's pid, as reported by the kernel, decide who is accepted.
 */
export function openRendezvous(run: RunDirectory): Rendezvous {
  const name = `r-${randomBytes(12).toString("hex")}.sock`;
  const token = randomBytes(TOKEN_BYTES);
  const directory = openRunDirectory(run.mount);
  let socket: OwnedFd;
  try {
    socket = listenAt(directory, name, 0o666);
  } finally {
    directory.close();
  }
  const close = () => {
    if (socket.closed) return;
    rmSync(join(run.mount, name), { force: true });
    socket.close();
  };
  return {
    insidePath: `${MOUNT_POINT}/${name}`,
    tokenLine: `${token.toString("hex")}\n`,
    close,
    async accept(listener, isOurs, options) {
      try {
        return await firstRightPeer(socket, token, listener, isOurs, options);
      } finally {
        close();
      }
    },
  };
}

/**
 * Passes `listener` to a direct agent over its socketpair, which no other process can have. Takes
 * ownership of `connection`.
 * @throws PortholeError ATTACH for an agent of another version
 */
export async function handshake(
  connection: OwnedFd,
  listener: OwnedFd,
  options: TimeoutOptions,
  witness?: OwnedFd,
): Promise<AgentInfo> {
  const socket = new FdSocket(connection, { maxDescriptors: 0 });
  try {
    // No other process can be at the other end. So sends before it receives, and the agent finds
    // the socket at once.
    serve(socket, listener, witness);
    return decodeAgentInfo((await announcement(socket, options)).info);
  } finally {
    socket.close();
  }
}

/** Like {@link handshake}, for an agent that passes a tree. The caller owns the tree. */
export async function treeFromChild(connection: OwnedFd, flags: number, options: TimeoutOptions): Promise<OwnedFd> {
  const socket = new FdSocket(connection, { maxDescriptors: 0 });
  try {
    decodeAgentInfo((await announcement(socket, options)).info);
    return await receiveTree(connection, flags, options);
  } finally {
    socket.close();
  }
}

/** Passes an agent the socket that it serves, and the witness. */
function serve(socket: FdSocket, listener: OwnedFd, witness: OwnedFd | undefined): void {
  socket.send(encodeServe({ witness: witness !== undefined }), [listener]);
  if (witness !== undefined) socket.send(encodeServe(), [witness]);
}

/**
 * Pending peers; the oldest silent one is evicted. A container may connect as often as it wants,
 * and the agent sends its message as soon as it connects.
 */
const MAX_PEERS = 64;

async function firstRightPeer(
  rendezvous: OwnedFd,
  token: Buffer,
  listener: OwnedFd | undefined,
  isOurs: (peerPid: number) => Promise<boolean>,
  { timeoutMs, signal, witness, tree }: RendezvousOptions,
): Promise<ConnectedAgent> {
  const over = new AbortController();
  const silent = new Set<AbortController>();
  const peers = new Set<Promise<void>>();
  let refused = 0;
  try {
    return await new Promise<ConnectedAgent>((resolve, reject) => {
      const timer = setTimeout(
        () =>
          reject(
            new PortholeError("ATTACH", `the agent did not connect within ${timeoutMs / 1000} s`, {
              errno: "ETIMEDOUT",
              ...(refused > 0 && {
                hint: `${refused} other connections to its socket were refused: another process has the directory mounted`,
              }),
            }),
          ),
        timeoutMs,
      );
      over.signal.addEventListener("abort", () => clearTimeout(timer));
      // Reads each peer separately, so that a silent peer blocks no other.
      const begin = (peer: OwnedFd) => {
        const silence = new AbortController();
        silent.add(silence);
        const heard = () => silent.delete(silence);
        const hearing = hear(peer, token, listener, isOurs, heard, { timeoutMs, signal: silence.signal, witness, tree })
          .then((met) => {
            if (met === undefined) refused++;
            else resolve(met);
          }, reject)
          .finally(() => {
            heard();
            peers.delete(hearing);
          });
        peers.add(hearing);
      };
      const watch = Reactor.shared().watch(rendezvous, EPOLLIN, () => {
        try {
          for (let count = 0; count < MAX_PEERS; count++) {
            const peer = acceptFrom(rendezvous);
            if (peer === undefined) return;
            const [longest] = silent;
            if (silent.size >= MAX_PEERS && longest !== undefined) {
              silent.delete(longest);
              longest.abort();
            }
            begin(peer);
          }
        } catch (error) {
          reject(error); // such as EMFILE
        }
      });
      const cancel = () => reject(attachInterrupted());
      if (signal?.aborted) cancel();
      signal?.addEventListener("abort", cancel, { once: true });
      over.signal.addEventListener("abort", () => {
        watch.close();
        signal?.removeEventListener("abort", cancel);
      });
    });
  } finally {
    over.abort();
    for (const silence of silent) silence.abort();
    await Promise.allSettled(peers);
  }
}

/**
 * The agent, after it received the listener; undefined for another peer, which is dropped. Calls
 * `heard` when the peer has sent its message.
 */
async function hear(
  peer: OwnedFd,
  token: Buffer,
  listener: OwnedFd | undefined,
  isOurs: (peerPid: number) => Promise<boolean>,
  heard: () => void,
  options: RendezvousOptions,
): Promise<ConnectedAgent | undefined> {
  const socket = new FdSocket(peer, { maxDescriptors: 0 });
  // Opened before the pid is checked, because another process may have the same pid later.
  let pidfd: OwnedFd | undefined;
  try {
    const { pid } = peerCredentials(peer);
    pidfd = peerPidfd(peer);
    let said: Announcement;
    try {
      said = await announcement(socket, options);
    } catch {
      return undefined;
    }
    heard();
    if (!timingSafeEqual(said.token, token) || !(await isOurs(pid))) return undefined;
    const process = { pid, started: startTime(pid) ?? "" };
    if (pidfd !== undefined && !isAlive(pidfd)) return undefined;
    const info = decodeAgentInfo(said.info);
    if (options.tree !== undefined) return { info, process, tree: await receiveTree(peer, options.tree, options) };
    if (listener !== undefined) serve(socket, listener, options.witness);
    return { info, process };
  } finally {
    pidfd?.close();
    socket.close();
  }
}

/** The info is decoded only after the token is verified. */
interface Announcement {
  token: Uint8Array;
  info: Uint8Array;
}

async function announcement(socket: FdSocket, { timeoutMs, signal }: TimeoutOptions): Promise<Announcement> {
  for (;;) {
    const packet = socket.receive();
    if (packet === "end") throw new PortholeError("ATTACH", "the agent ended before it connected");
    if (packet !== "again") {
      const message = decodeMessage(packet.data, packet.descriptors.length);
      if (message.type !== Op.announce || message.id !== 0 || message.body.length < TOKEN_BYTES) {
        throw new PortholeError(
          "ATTACH",
          `protocol violation: the agent sent message ${message.type} instead of an announcement`,
        );
      }
      return {
        token: new Uint8Array(message.body.subarray(0, TOKEN_BYTES)),
        info: new Uint8Array(message.body.subarray(TOKEN_BYTES)),
      };
    }
    await readable(socket.fd, { timeoutMs, ...(signal && { signal }) });
  }
}
