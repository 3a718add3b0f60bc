import type { OwnedFd } from "../../src/descriptors/owned-fd.ts";
import { listenAt } from "../../src/descriptors/sockets/fd-socket.ts";
import type { AgentKey, AgentRecord } from "../../src/routes/agents/agent-record.ts";
import { agentFile, writeRecord } from "../../src/routes/agents/registry.ts";
import { openRunDirectory, type RunDirectory } from "../../src/routes/run-directory/run-dir.ts";
import { owned } from "../descriptors/fixtures.ts";

/** Id of a container that does not exist. */
export const CONTAINER_ID = "0123456789abcdef".repeat(4);

/** Returns the record of an agent for a container `web`. No process of it exists. */
export function recordOf(key: AgentKey): AgentRecord {
  return {
    ...{ ...key, name: "web", engine: "/none.sock", targetPid: 7 },
    ...{ sidecar: "", agentPid: 0, agentStarted: "", created: "" },
  };
}

/**
 * Creates the files of startAgent: a record and a listening socket. Returns the socket, which is
 * closed after the test.
 */
export function registerAgent(run: RunDirectory, key: AgentKey): OwnedFd {
  const directory = openRunDirectory(run.agents);
  try {
    writeRecord(run, recordOf(key));
    return owned(listenAt(directory, `${agentFile(key)}.sock`, 0o600));
  } finally {
    directory.close();
  }
}
