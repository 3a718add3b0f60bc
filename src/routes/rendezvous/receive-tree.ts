import { constants } from "node:fs";
import { O_PATH } from "../../descriptors/constants.ts";
import { discard } from "../../descriptors/files/discard.ts";
import { getFlags } from "../../descriptors/files/file.ts";
import { identify } from "../../descriptors/files/statx.ts";
import type { OwnedFd } from "../../descriptors/owned-fd.ts";
import { readable } from "../../descriptors/poll.ts";
import { FdSocket } from "../../descriptors/sockets/fd-socket.ts";
import { PortholeError } from "../../errors.ts";
import { decodeMessage, encodeTree, isTree } from "../../protocol/codec.ts";

/**
 * Requests the tree of an agent that has announced itself, and receives it. The caller owns
 * `connection` and the result: a descriptor of detached mounts (open_tree(2)). The launcher checks
 * that these mounts are the target's, once it can see them.
 * @throws PortholeError ATTACH; CANCELLED through the signal
 */
export async function receiveTree(
  connection: OwnedFd,
  flags: number,
  { timeoutMs, signal }: { timeoutMs: number; signal?: AbortSignal | undefined },
): Promise<OwnedFd> {
  const socket = new FdSocket(connection, { maxDescriptors: 1 });
  socket.send(encodeTree(flags));
  for (;;) {
    const packet = socket.receive();
    if (packet === "end") throw new PortholeError("ATTACH", "the agent ended before it passed a tree");
    if (packet === "again") {
      await readable(connection, { timeoutMs, ...(signal && { signal }) });
      continue;
    }
    const [tree] = packet.descriptors;
    try {
      if (tree !== undefined && isTree(decodeMessage(packet.data, packet.descriptors.length)) && isPlace(tree))
        return tree;
    } catch (error) {
      for (const fd of packet.descriptors) discard(fd);
      throw error;
    }
    for (const fd of packet.descriptors) discard(fd);
    throw new PortholeError("ATTACH", "protocol violation: the agent passed something other than a tree", {
      errno: "EPROTO",
    });
  }
}

/** True for an O_PATH descriptor of a directory, which cannot be read. */
function isPlace(fd: OwnedFd): boolean {
  return (identify(fd).mode & constants.S_IFMT) === constants.S_IFDIR && (getFlags(fd) & O_PATH) !== 0;
}
