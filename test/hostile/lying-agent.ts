import { randomBytes } from "node:crypto";
import { chmodSync, constants, mkdirSync, writeFileSync } from "node:fs";
import { EPOLLIN } from "../../src/descriptors/constants.ts";
import { openPath } from "../../src/descriptors/files/file.ts";
import { statx } from "../../src/descriptors/files/statx.ts";
import type { OwnedFd } from "../../src/descriptors/owned-fd.ts";
import { Reactor, type Watch } from "../../src/descriptors/poll.ts";
import { acceptFrom, FdSocket, listenAt } from "../../src/descriptors/sockets/fd-socket.ts";
import type { AgentRoute } from "../../src/protocol/agent-info.ts";
import { decodeMessage, encodeMessage, type Message } from "../../src/protocol/codec.ts";
import { FileStatAt, Op, REPLY } from "../../src/protocol/messages.ts";
import type { AgentRecord } from "../../src/routes/agents/agent-record.ts";
import { agentFile } from "../../src/routes/agents/registry.ts";
import { controlMessage, ints, rawSend } from "../descriptors/raw-message.ts";
import { agentInfo } from "../protocol/samples.ts";

/** Responds as an agent to one kind of request. */
export type Lie = (request: Message, client: Client) => void;

/** A client of the lying agent, to which it can send any packet. */
export class Client {
  readonly #socket: FdSocket;
  readonly #watch: Watch;

  constructor(connection: OwnedFd, lies: Map<number, Lie>) {
    this.#socket = new FdSocket(connection, { maxDescriptors: 0 });
    this.#watch = Reactor.shared().watch(this.#socket.fd, EPOLLIN, () => {
      for (;;) {
        const packet = this.#next();
        if (packet === "again") return;
        if (packet === "end") return this.close();
        const request = decodeMessage(Uint8Array.from(packet.data), 0);
        lies.get(request.type)?.(request, this);
        if (this.#socket.fd.closed) return;
      }
    });
  }

  /** Sends a reply, which is well-formed if its parts are. */
  answer(
    request: Message,
    body: Uint8Array = nothing,
    descriptors: OwnedFd[] = [],
    changes: Partial<Message> = {},
  ): void {
    const {
      type = request.type | REPLY,
      id = request.id,
      error = 0,
      descriptors: count = descriptors.length,
    } = changes;
    this.send(encodeMessage(type, id, body, count, error), descriptors);
  }

  /** Sends bytes with descriptors, without any check. The kernel accepts at most 253. */
  send(packet: Uint8Array, descriptors: OwnedFd[] = []): void {
    const control = descriptors.length > 0 ? controlMessage(ints(...descriptors.map((fd) => fd.number))) : nothing;
    this.sendControl(packet, control);
  }

  /** Sends bytes with any control data; returns the errno's name if the kernel refuses. */
  sendControl(packet: Uint8Array, control: Uint8Array): number | string {
    return this.#socket.fd.closed ? "EBADF" : rawSend(this.#socket.fd, packet, control);
  }

  close(): void {
    if (this.#socket.fd.closed) return;
    this.#watch.close();
    this.#socket.close();
  }

  #next(): ReturnType<FdSocket["receive"]> {
    try {
      return this.#socket.receive();
    } catch {
      return "end"; // the other side ended the session
    }
  }
}

const nothing = new Uint8Array(0);

export interface LyingAgent {
  /** A target whose container has this agent: `<full id>:/path`. No engine is queried for it. */
  target: string;
  clients: Client[];
  stop(): void;
}

/**
 * Starts an agent for a container that does not exist. The host finds it as a live agent in the run
 * directory under `state` (XDG_STATE_HOME). It answers HELLO and follows `lies`; a request without
 * a lie gets no reply. The caller stops it.
 * @param route as in the host's own record. The first process of the target is this process, so
 * that its mount table is used.
 */
export function lyingAgent(
  state: string,
  lies: Partial<Record<keyof typeof Op, Lie>>,
  { route = "mount", targetPid = process.pid }: { route?: AgentRoute; targetPid?: number } = {},
): LyingAgent {
  const root = `${state}/porthole`;
  for (const [path, mode] of [
    [root, 0o700],
    [`${root}/agents`, 0o700],
    [`${root}/mnt`, 0o711],
  ] as const) {
    mkdirSync(path, { recursive: true });
    chmodSync(path, mode);
  }
  const identity = randomBytes(32).toString("hex");
  const key = { identity, generation: "2026", route, user: "" };
  const record: AgentRecord = {
    ...{ ...key, name: "liar", engine: "", targetPid, sidecar: "" },
    ...{ agentPid: 0, agentStarted: "", created: new Date(0).toISOString() },
  };
  writeFileSync(`${root}/agents/${agentFile(key)}.json`, JSON.stringify(record), { mode: 0o600 });
  const directory = openPath(`${root}/agents`, constants.O_RDONLY | constants.O_DIRECTORY);
  const listener = listenAt(directory, `${agentFile(key)}.sock`, 0o600);
  directory.close();

  // Claims the route whose agents are processes of this user.
  const claim = agentInfo({ route: "direct" });
  const told = new Map<number, Lie>([[Op.hello, (request, client) => client.answer(request, claim)]]);
  for (const [name, lie] of Object.entries(lies)) told.set(Op[name as keyof typeof Op], lie);
  const clients: Client[] = [];
  const watch = Reactor.shared().watch(listener, EPOLLIN, () => {
    for (let one = acceptFrom(listener); one !== undefined; one = acceptFrom(listener))
      clients.push(new Client(one, told));
  });
  const stop = () => {
    if (listener.closed) return;
    watch.close();
    listener.close();
    for (const client of clients) client.close();
  };
  return { target: identity, clients, stop };
}

/**
 * Returns the stat of an open file as a correct agent sends it. `changes` replaces fields of
 * FileStatAt.
 */
export function statFor(fd: OwnedFd, changes: Partial<Record<keyof typeof FileStatAt, number | bigint>> = {}): Buffer {
  const found = statx(fd);
  const bytes = Buffer.alloc(FileStatAt.size);
  const truth = {
    ...{
      mode: found.mode,
      links: found.nlink,
      uid: found.uid,
      gid: found.gid,
      bytes: found.size,
      blocks: found.blocks,
    },
    ...{ inode: found.ino, rdevMajor: found.rdevMajor, rdevMinor: found.rdevMinor, mountId: found.mountId ?? 0n },
  };
  for (const [name, value] of Object.entries({ ...truth, ...changes })) {
    const at = FileStatAt[name as keyof typeof FileStatAt];
    if (wide.has(name)) bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)), at);
    else bytes.writeUInt32LE(Number(value), at);
  }
  return bytes;
}

const wide = new Set(["bytes", "blocks", "inode", "mountId", "atime", "mtime", "ctime", "btime"]);
