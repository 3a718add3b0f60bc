import { timingSafeEqual } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { EPOLLIN } from "../../descriptors/constants.ts";
import type { OwnedFd } from "../../descriptors/owned-fd.ts";
import { Reactor, readable } from "../../descriptors/poll.ts";
import { startTime } from "../../descriptors/process.ts";
import { isAlive } from "../../descriptors/processes/pidfd.ts";
import { randomBytes } from "../../descriptors/random.ts";
import { FdSocket, listenAt, peerCredentials, peerPidfd } from "../../descriptors/sockets/fd-socket.ts";
import { attachInterrupted, PortholeError } from "../../errors.ts";
import { type AgentInfo, decodeAgentInfo } from "../../protocol/agent-info.ts";
import { decodeMessage, encodeServe } from "../../protocol/codec.ts";
import { Op, TOKEN_BYTES } from "../../protocol/messages.ts";
import { MOUNT_POINT, openRunDirectory, type RunDirectory } from "../run-directory/run-dir.ts";
import { type IdentifyPeer, PendingPeers } from "./pending-peers.ts";
import { receiveTree } from "./receive-tree.ts";

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
  /** Set only if {@link RendezvousOptions.hold} requested it. The caller owns it. */
  held?: OwnedFd;
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
  /** Keeps the connection after the tree was passed: the agent ends when it is closed. */
  hold?: boolean | undefined;
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
  using directory = openRunDirectory(run.mount);
  const socket = listenAt(directory, name, 0o666);
  const close = () => {
    if (socket.closed) return;
    unfinished.delete(close);
    rmSync(join(run.mount, name), { force: true });
    socket.close();
  };
  removeAtExit(close);
  return {
    insidePath: `${MOUNT_POINT}/${name}`,
    tokenLine: `${token.toString("hex")}\n`,
    close,
    async accept(listener, isOurs, options) {
      try {
        // Loads node:crypto while the agent starts.
        const equal = timingSafeEqual;
        const hasToken = (given: Uint8Array) => equal(given, token);
        const identifyPeer: IdentifyPeer<ConnectedAgent> = (peer, sent, silence) =>
          identify(peer, hasToken, listener, isOurs, sent, { ...options, signal: silence });
        return await acceptAgent(socket, identifyPeer, options);
      } finally {
        close();
      }
    },
  };
}

/** Closes the rendezvous that are open. */
const unfinished = new Set<() => void>();
let removesAtExit = false;

/** A program that uses the library may exit while it waits for an agent. */
function removeAtExit(close: () => void): void {
  unfinished.add(close);
  if (removesAtExit) return;
  removesAtExit = true;
  process.once("exit", () => {
    for (const one of unfinished) one();
  });
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
  using socket = new FdSocket(connection, { maxDescriptors: 0 });
  // No other process can be at the other end. So sends before it receives, and the agent finds
  // the socket at once.
  serve(socket, listener, witness);
  return decodeAgentInfo((await announcement(socket, options)).info);
}

/** Like {@link handshake}, for an agent that passes a tree. The caller owns the tree. */
export async function treeFromChild(connection: OwnedFd, flags: number, options: TimeoutOptions): Promise<OwnedFd> {
  using socket = new FdSocket(connection, { maxDescriptors: 0 });
  decodeAgentInfo((await announcement(socket, options)).info);
  return await receiveTree(connection, flags, options);
}

/** Passes an agent the socket that it serves, and the witness. */
function serve(socket: FdSocket, listener: OwnedFd, witness: OwnedFd | undefined): void {
  socket.send(encodeServe({ witness: witness !== undefined }), [listener]);
  if (witness !== undefined) socket.send(encodeServe(), [witness]);
}

/** Waits for the agent among the peers that connect. */
async function acceptAgent(
  rendezvous: OwnedFd,
  identify: IdentifyPeer<ConnectedAgent>,
  { timeoutMs, signal }: TimeoutOptions,
): Promise<ConnectedAgent> {
  const peers = new PendingPeers(identify);
  const watch = Reactor.shared().watch(rendezvous, EPOLLIN, () => peers.accept(rendezvous));
  const timer = setTimeout(() => peers.fail(notConnected(timeoutMs, peers.refused)), timeoutMs);
  const cancel = () => peers.fail(attachInterrupted());
  if (signal?.aborted) cancel();
  signal?.addEventListener("abort", cancel, { once: true });
  try {
    return await peers.agent;
  } finally {
    watch.close();
    clearTimeout(timer);
    signal?.removeEventListener("abort", cancel);
    await peers.close();
  }
}

function notConnected(timeoutMs: number, refused: number): PortholeError {
  const hint = `${refused} other connections to its socket were refused: another process has the directory mounted`;
  return new PortholeError("ATTACH", `the agent did not connect within ${timeoutMs / 1000} s`, {
    errno: "ETIMEDOUT",
    ...(refused > 0 && { hint }),
  });
}

/**
 * The agent, after it received the listener; undefined for another peer, which is dropped. Calls
 * `sent` when the peer has sent its message.
 */
async function identify(
  peer: OwnedFd,
  hasToken: (given: Uint8Array) => boolean,
  listener: OwnedFd | undefined,
  isOurs: (peerPid: number) => Promise<boolean>,
  sent: () => void,
  options: RendezvousOptions,
): Promise<ConnectedAgent | undefined> {
  const socket = new FdSocket(peer, { maxDescriptors: 0 });
  // Opened before the pid is checked, because another process may have the same pid later.
  let pidfd: OwnedFd | undefined;
  try {
    const { pid } = peerCredentials(peer);
    pidfd = peerPidfd(peer);
    let announced: Announcement;
    try {
      announced = await announcement(socket, options);
    } catch {
      return undefined;
    }
    sent();
    if (!hasToken(announced.token) || !(await isOurs(pid))) return undefined;
    const process = { pid, started: startTime(pid) ?? "" };
    if (pidfd !== undefined && !isAlive(pidfd)) return undefined;
    const info = decodeAgentInfo(announced.info);
    if (options.tree !== undefined) {
      const tree = await receiveTree(peer, options.tree, options);
      return { info, process, tree, ...(options.hold === true && { held: peer.duplicate() }) };
    }
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
