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

/** Which process an agent is, as this process's PID namespace numbers it: with its start time no other is taken for it. */
export interface AgentProcess {
  pid: number;
  /** From `startTime` in process.ts; empty where /proc does not show it. */
  started: string;
}

/** An agent that reported. */
export interface ConnectedAgent {
  info: AgentInfo;
  process: AgentProcess;
  /** Only where {@link RendezvousOptions.tree} asked for it. The caller owns it. */
  tree?: OwnedFd;
}

/** A one-time meeting point for an agent that is being started. */
export interface Rendezvous {
  /** The socket's path inside the container. */
  insidePath: string;
  /** What to write on the agent's standard input: the token as hexadecimal digits and a newline. */
  tokenLine: string;
  /**
   * Waits for the agent, hands `listener` over to it and closes the rendezvous. Connections without the token, or from a peer that
   * `isOurs` refuses, are dropped, and waiting goes on.
   * @throws PortholeError ATTACH at the deadline or for an agent of another version; CANCELLED through the signal.
   */
  accept(
    listener: OwnedFd | undefined,
    isOurs: (peerPid: number) => Promise<boolean>,
    options: RendezvousOptions,
  ): Promise<ConnectedAgent>;
  /** Idempotent; also done by meet. */
  close(): void;
}

export interface RendezvousOptions extends TimeoutOptions {
  /** Flags of `TreeFlag`: the agent passes a tree instead of serving `listener`, which is undefined then. */
  tree?: number | undefined;
  /** Handed over too: it ends the agent when it becomes readable. Stays the caller's. */
  witness?: OwnedFd | undefined;
}

export interface TimeoutOptions {
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

/**
 * Opens a rendezvous in the directory that containers see. Its socket is 0666, for an agent without capabilities, with
 * another uid or behind a user namespace could not connect otherwise; who comes is decided by the token and by who the kernel says the peer is.
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
 * Greets an agent over a socket that nobody else can have (route `direct`: one end of a socketpair) and hands `listener` over.
 * Takes ownership of `connection`.
 */
export async function handshake(
  connection: OwnedFd,
  listener: OwnedFd,
  options: TimeoutOptions,
  witness?: OwnedFd,
): Promise<AgentInfo> {
  const socket = new FdSocket(connection, { maxDescriptors: 0 });
  try {
    // Nobody else can be at the other end, so it need not be heard first: it finds its socket when it looks.
    serve(socket, listener, witness);
    return decodeAgentInfo((await announcement(socket, options)).info);
  } finally {
    socket.close();
  }
}

/** As {@link handshake}, for an agent that passes a tree. The caller owns that. */
export async function treeFromChild(connection: OwnedFd, flags: number, options: TimeoutOptions): Promise<OwnedFd> {
  const socket = new FdSocket(connection, { maxDescriptors: 0 });
  try {
    decodeAgentInfo((await announcement(socket, options)).info);
    return await receiveTree(connection, flags, options);
  } finally {
    socket.close();
  }
}

/** Hands an agent the socket that it serves, and what ends it. */
function serve(socket: FdSocket, listener: OwnedFd, witness: OwnedFd | undefined): void {
  socket.send(encodeServe({ witness: witness !== undefined }), [listener]);
  if (witness !== undefined) socket.send(encodeServe(), [witness]);
}

/**
 * Peers that are heard at the same time. Who has the mount may connect as often as he likes: at the limit the one that has been silent for longest goes, for
 * the agent speaks as soon as it connects.
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
            new PortholeError("ATTACH", `the agent did not report within ${timeoutMs / 1000} s`, {
              errno: "ETIMEDOUT",
              ...(refused > 0 && {
                hint: `${refused} other connections to its socket were refused: somebody else has the directory mounted`,
              }),
            }),
          ),
        timeoutMs,
      );
      over.signal.addEventListener("abort", () => clearTimeout(timer));
      // Each peer is heard on its own: one that connects and stays silent keeps nobody out.
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
          reject(error); // EMFILE
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

/** The right peer after it got the listener; undefined for a wrong one, which is dropped. `heard` is called when it said something. */
async function hear(
  peer: OwnedFd,
  token: Buffer,
  listener: OwnedFd | undefined,
  isOurs: (peerPid: number) => Promise<boolean>,
  heard: () => void,
  options: RendezvousOptions,
): Promise<ConnectedAgent | undefined> {
  const socket = new FdSocket(peer, { maxDescriptors: 0 });
  // Before anything is asked about its number, which another process may bear by then.
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

/** The info are decoded once the token was the right one. */
interface Announcement {
  token: Uint8Array;
  info: Uint8Array;
}

async function announcement(socket: FdSocket, { timeoutMs, signal }: TimeoutOptions): Promise<Announcement> {
  for (;;) {
    const packet = socket.receive();
    if (packet === "end") throw new PortholeError("ATTACH", "the agent ended before it reported");
    if (packet !== "again") {
      const message = decodeMessage(packet.data, packet.descriptors.length);
      if (message.type !== Op.announce || message.id !== 0 || message.body.length < TOKEN_BYTES) {
        throw new PortholeError("ATTACH", `the agent began with message ${message.type} instead of an announcement`);
      }
      return {
        token: new Uint8Array(message.body.subarray(0, TOKEN_BYTES)),
        info: new Uint8Array(message.body.subarray(TOKEN_BYTES)),
      };
    }
    await readable(socket.fd, { timeoutMs, ...(signal && { signal }) });
  }
}
