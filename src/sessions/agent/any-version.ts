import { OtherVersionError } from "../../protocol/agent-info.ts";
import { encode } from "../../protocol/codec.ts";
import { ByeScope, Op } from "../../protocol/messages.ts";
import type { Attachment } from "../../routes/agents/attachment.ts";
import { connectIfLive, setAgentAside } from "../../routes/agents/registry.ts";
import { openRunDirectory, type RunDirectory } from "../../routes/run-directory/run-dir.ts";
import { AgentClient } from "./agent-client.ts";

const BYE_TIMEOUT_MS = 2_000;

/** A session that may only describe and end its agent. */
export interface AnyVersion {
  client: AgentClient;
  /** Number of the agent's sessions, including this one. */
  clients: number;
}

/**
 * Connects to the live agent of `file` in the agent's own version of the protocol. The caller
 * closes the client.
 * @returns undefined if no process serves the socket
 * @throws PortholeError ATTACH, SESSION
 */
export async function openAnyVersion(run: RunDirectory, file: string): Promise<AnyVersion | undefined> {
  try {
    const client = await openAs(run, file);
    return client && { client, clients: client.info.clients };
  } catch (error) {
    if (!(error instanceof OtherVersionError)) throw error;
    const client = await openAs(run, file, error.version);
    // The agent may still count the refused session.
    return client && { client, clients: error.clients };
  }
}

async function openAs(run: RunDirectory, file: string, version?: number): Promise<AgentClient | undefined> {
  using directory = openRunDirectory(run.agents);
  const socket = connectIfLive(directory, file);
  return socket && (await AgentClient.open(socket, version));
}

/** Asks an agent to end. Resolves with false if it does not confirm. */
export function sayBye(client: AgentClient): Promise<boolean> {
  return client
    .request(Op.bye, encode.bye(ByeScope.agent), 0, BYE_TIMEOUT_MS, () => "cannot end the agent")
    .then(
      () => true,
      () => false,
    );
}

/**
 * Replaces an agent of another version, so that an agent of this version can start. Ends it, or
 * renames its files while other clients use it. `porthole agents` and `porthole detach` still find
 * it.
 * @param refused the agent's reply to a session of this version
 */
export async function replaceAgent({ run, file, socketSeen }: Attachment, refused: OtherVersionError): Promise<void> {
  if (refused.clients > 1) return setAgentAside(run, file, refused.version, socketSeen);
  try {
    const client = await openAs(run, file, refused.version);
    if (client === undefined) return;
    await sayBye(client);
    client.close();
  } catch {
    // The agent's format is unknown. It ends when idle.
  }
}
