import type { AgentFacts } from "../../src/protocol/facts.ts";
import { AgentFactsAt, FileFactsAt, RouteNumber, VERSION } from "../../src/protocol/messages.ts";

/** Agent facts as an agent writes them. The host only reads them, so the writing side is here. */
export function agentFacts(facts: Partial<AgentFacts> = {}): Buffer {
  const { version = VERSION, route = "direct", build = "" } = facts;
  const at = AgentFactsAt;
  const bytes = Buffer.alloc(at.size + build.length);
  bytes.writeUInt16LE(version, at.version);
  bytes.writeUInt16LE(RouteNumber[route], at.route);
  for (const name of ["pid", "uid", "gid", "clients", "memory", "targetPid"] as const)
    bytes.writeUInt32LE(facts[name] ?? 0, at[name]);
  for (const name of ["capabilities", "userNamespace", "mountNamespace"] as const)
    bytes.writeBigUInt64LE(facts[name] ?? 0n, at[name]);
  bytes.writeBigUInt64LE(BigInt(facts.started ?? 0), at.start);
  bytes.writeUInt32LE(build.length, at.buildLength);
  bytes.write(build, at.size, "latin1");
  return bytes;
}

/** File facts as an agent writes them, as far as a descriptor is held against them. */
export function fileFacts(facts: { mode?: number; inode?: bigint; flags?: number }): Buffer {
  const bytes = Buffer.alloc(FileFactsAt.size);
  bytes.writeUInt32LE(facts.mode ?? 0, FileFactsAt.mode);
  bytes.writeBigUInt64LE(facts.inode ?? 0n, FileFactsAt.inode);
  bytes.writeUInt32LE(facts.flags ?? 0, FileFactsAt.flags);
  return bytes;
}
