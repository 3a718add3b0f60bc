import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { AgentClient } from "./agent-client.ts";
import { PortholeError } from "./errors.ts";
import { encode } from "./protocol/codec.ts";
import { ByeScope, Op } from "./protocol/messages.ts";
import { engines, recordedEngine } from "./routes/engine.ts";
import { type AgentRecord, agentFiles, connectOrRemove, readRecord, removeAgentFiles } from "./routes/registry.ts";
import { ensureRunDirectory, MOUNT_POINT, openRunDirectory, type RunDirectory } from "./routes/run-dir.ts";

/** An agent that answered. The documented schema of `porthole agents --json`. */
export interface LiveAgent {
  /** Container name when the agent was started, or `pid:N`. */
  name: string;
  /** Container id, empty for a process target. */
  container: string;
  route: string;
  user: string;
  /** Agent's pid in its own PID namespace. */
  pid: number;
  ageSeconds: number;
  /** Sessions being served, this question not counted. */
  clients: number;
  memoryKiB: number;
  build: string;
  sidecar: string;
}

const BYE_TIMEOUT_MS = 2_000;

/** Every agent that lives, by name. Sockets that nobody serves any more are removed. */
export async function listAgents(): Promise<LiveAgent[]> {
  const run = ensureRunDirectory();
  const answers = await Promise.all(agentFiles(run).map((file) => visit(run, file, describe)));
  return answers.filter((agent) => agent !== undefined).sort((a, b) => (a.name < b.name ? -1 : 1));
}

function describe(client: AgentClient, record: AgentRecord): LiveAgent {
  const { facts } = client;
  return {
    name: record.name,
    container: record.engine === "" ? "" : record.identity,
    route: facts.route,
    user: record.user,
    pid: facts.pid,
    ageSeconds: Math.max(0, Math.floor(Date.now() / 1000) - facts.started),
    clients: Math.max(0, facts.clients - 1),
    memoryKiB: facts.memory,
    build: facts.build,
    sidecar: record.sidecar,
  };
}

/**
 * Ends the agents of one target: a container's name or id (prefix of 12 digits or more), or `pid:N`.
 * @throws PortholeError TARGET when there is none
 */
export async function detachAgents(name: string): Promise<void> {
  const run = ensureRunDirectory();
  const files = agentFiles(run).filter((file) => {
    const record = readRecord(run, file);
    return (
      record !== undefined &&
      (record.name === name || (/^[0-9a-f]{12,}$/.test(name) && record.identity.startsWith(name)))
    );
  });
  if (files.length === 0) {
    throw new PortholeError("TARGET", `no agent for '${name}'`, { hint: "porthole agents lists them" });
  }
  for (const file of files) await endAgent(run, file);
}

/**
 * Ends every agent and removes sidecars, sockets, records and the agent's images from every engine that answers. The directory that containers
 * may have mounted stays, emptied: one that was made anew would not be theirs.
 * @returns what could not be done; an engine that is not there has nothing to remove.
 */
export async function detachAll(options: { engine?: string | undefined } = {}): Promise<PortholeError[]> {
  const run = ensureRunDirectory();
  const failures: PortholeError[] = [];
  const known = new Map(engines(options.engine).map((engine) => [engine.socketPath, engine]));
  const used = new Set<string>();
  for (const file of agentFiles(run)) {
    const record = readRecord(run, file);
    if (record !== undefined && record.engine !== "") {
      used.add(record.engine);
      if (!known.has(record.engine)) {
        known.set(record.engine, recordedEngine(record.engine));
      }
    }
    await endAgent(run, file);
  }
  if (known.size > 0) {
    const { removeAllSidecars } = await import("./routes/docker.ts");
    for (const engine of known.values()) {
      try {
        await removeAllSidecars(engine, true);
      } catch (error) {
        // Who may not use an engine has nothing there, unless a record says otherwise.
        if (isAbsent(error) || (isDenied(error) && !used.has(engine.socketPath))) continue;
        const message = error instanceof Error ? error.message : String(error);
        failures.push(
          new PortholeError("TARGET", `cannot clean up at ${engine.socketPath}: ${message}`, { cause: error }),
        );
      }
    }
  }
  removeRest(run);
  return failures;
}

/** The agent program, and what starts left that were killed: sockets, half-written files, a lock. */
function removeRest(run: RunDirectory): void {
  for (const directory of [run.agents, run.mount]) {
    for (const name of readdirSync(directory)) rmSync(join(directory, name), { force: true });
  }
}

function isAbsent(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOENT" || code === "ECONNREFUSED";
}

function isDenied(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "EACCES" || code === "EPERM";
}

async function endAgent(run: RunDirectory, file: string): Promise<void> {
  const record = readRecord(run, file);
  await visit(run, file, async (client) => {
    await client
      .request(Op.bye, encode.bye(ByeScope.agent), 0, BYE_TIMEOUT_MS, () => "cannot end the agent")
      .catch(() => undefined);
  });
  removeAgentFiles(run, file);
  if (record !== undefined && record.sidecar !== "") {
    const { removeSidecar } = await import("./routes/docker.ts");
    await removeSidecar(recordedEngine(record.engine), record.sidecar).catch(() => undefined);
  }
}

/** Asks the agent behind `file`; undefined when it is gone or does not speak with us. */
async function visit<T>(
  run: RunDirectory,
  file: string,
  action: (client: AgentClient, record: AgentRecord) => T | Promise<T>,
): Promise<T | undefined> {
  const record = readRecord(run, file);
  const directory = openRunDirectory(run.agents);
  try {
    const socket = connectOrRemove(run, directory, file);
    if (socket === undefined) return undefined;
    if (record === undefined) {
      socket.close();
      return undefined;
    }
    const client = await AgentClient.open(socket);
    try {
      return await action(client, record);
    } finally {
      client.close();
    }
  } catch {
    return undefined;
  } finally {
    directory.close();
  }
}

/** Makes the directory ready that containers mount for the mount route, and says what to mount where (read-only). */
export async function prepareMount(): Promise<{ source: string; target: string }> {
  const { installAgent } = await import("./routes/agent-program.ts");
  const run = ensureRunDirectory();
  installAgent(run);
  return { source: run.mount, target: MOUNT_POINT };
}
