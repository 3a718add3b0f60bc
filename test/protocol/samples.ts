import type { AgentInfo } from "../../src/protocol/agent-info.ts";
import { AgentInfoAt, FileStatAt, RouteNumber, VERSION } from "../../src/protocol/messages.ts";

/** Encodes agent info. The host only decodes it, so only tests need the encoder. */
export function agentInfo(info: Partial<AgentInfo> = {}): Buffer {
  const { version = VERSION, route = "direct", build = "" } = info;
  const at = AgentInfoAt;
  const bytes = Buffer.alloc(at.size + build.length);
  bytes.writeUInt16LE(version, at.version);
  bytes.writeUInt16LE(RouteNumber[route], at.route);
  for (const name of ["pid", "uid", "gid", "clients", "memory", "targetPid"] as const)
    bytes.writeUInt32LE(info[name] ?? 0, at[name]);
  for (const name of ["capabilities", "userNamespace", "mountNamespace"] as const)
    bytes.writeBigUInt64LE(info[name] ?? 0n, at[name]);
  bytes.writeBigUInt64LE(BigInt(info.started ?? 0), at.start);
  bytes.writeUInt32LE(build.length, at.buildLength);
  bytes.write(build, at.size, "latin1");
  return bytes;
}

/** Encodes the fields of a file stat that a descriptor can verify. */
export function fileStat(stat: { mode?: number; inode?: bigint; flags?: number }): Buffer {
  const bytes = Buffer.alloc(FileStatAt.size);
  bytes.writeUInt32LE(stat.mode ?? 0, FileStatAt.mode);
  bytes.writeBigUInt64LE(stat.inode ?? 0n, FileStatAt.inode);
  bytes.writeUInt32LE(stat.flags ?? 0, FileStatAt.flags);
  return bytes;
}
