import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { startTime } from "../../descriptors/process.ts";
import { engines } from "../../engines/api/engine.ts";
import { type Engine, recordedEngine } from "../../engines/api/engine-address.ts";
import { resolveContainer } from "../../engines/lookup/resolve.ts";
import { messageOf, PortholeError } from "../../errors.ts";
import { type AgentInfo, FullAgentError } from "../../protocol/agent-info.ts";
import { endAgentProcess } from "../../routes/agents/agent-process.ts";
import type { AgentRecord } from "../../routes/agents/agent-record.ts";
import {
  agentFiles,
  readRecord,
  removeAgentFiles,
  removeDeadAgent,
  withAgentLock,
} from "../../routes/agents/registry.ts";
import { mountedTrees, unmountTree } from "../../routes/run-directory/mounted-trees.ts";
import { ensureRunDirectory, MOUNT_POINT, type RunDirectory } from "../../routes/run-directory/run-dir.ts";
import { type AnyVersion, openAnyVersion, sayBye } from "./any-version.ts";

/** A live agent. The documented schema of `porthole agents --json`. */
export interface LiveAgent {
  /** Container name when the agent was started, `image:NAME`, `volume:NAME` or `pid:N`. */
  name: string;
  /** Container id; empty for other kinds of targets. */
  container: string;
  route: string;
  user: string;
  /** Agent's pid in its own PID namespace. */
  pid: number;
  ageSeconds: number;
  /** Number of sessions, without the session of this request. */
  clients: number;
  memoryKiB: number;
  build: string;
  sidecar: string;
}

/** Maximum milliseconds to wait for another command that starts or ends an agent of the target. */
const LOCK_TIMEOUT_MS = 2_000;

/** Lists every live agent, sorted by name. Removes sockets that no agent serves. */
export async function listAgents(): Promise<LiveAgent[]> {
  const run = ensureRunDirectory();
  const answers = await Promise.all(
    agentFiles(run).map(async (file) => {
      const answer = await visit(run, file, ({ client, clients }, record) =>
        describe(client.info, clients - 1, record),
      ).catch((error) => describeFull(run, file, error));
      // A live agent may refuse this client, so this removes only sockets without a server.
      if (answer === undefined) await removeDeadAgent(run, file).catch(() => undefined);
      return answer;
    }),
  );
  return answers.filter((agent) => agent !== undefined).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Describes an agent that has no room for this client; undefined for any other error. */
function describeFull(run: RunDirectory, file: string, error: unknown): LiveAgent | undefined {
  const record = readRecord(run, file);
  if (!(error instanceof FullAgentError) || error.info === undefined || record === undefined) return undefined;
  return describe(error.info, error.info.clients, record);
}

function describe(info: AgentInfo, clients: number, record: AgentRecord): LiveAgent {
  return {
    name: record.name,
    container: record.engine === "" || /^(image|volume):/.test(record.name) ? "" : record.identity,
    route: info.route,
    user: record.user,
    pid: info.pid,
    ageSeconds: ageOf(record) ?? Math.max(0, Math.floor(Date.now() / 1000) - info.started),
    clients: Math.max(0, clients),
    memoryKiB: info.memory,
    build: info.build,
    sidecar: record.sidecar,
  };
}

/**
 * Seconds since the agent's process started, by the monotonic clock; undefined if the process is
 * not visible to this one.
 */
function ageOf({ agentPid, agentStarted }: AgentRecord): number | undefined {
  if (!(agentPid > 0) || agentStarted === "" || startTime(agentPid) !== agentStarted) return undefined;
  const uptime = Number(readFileSync("/proc/uptime", "latin1").split(" ")[0]);
  return Math.max(0, Math.floor(uptime - Number(agentStarted) / TICKS_PER_SECOND));
}

/** Unit of proc_pid_stat(5); the same on every Linux that Node supports. */
const TICKS_PER_SECOND = 100;

/**
 * Ends the agents of one target: a container's name or id (prefix of at least 12 digits), a Compose
 * name, or `pid:N`.
 * @throws PortholeError TARGET if no agent serves it; ATTACH if an agent could not be ended
 */
export async function detachAgents(name: string, options: { engine?: string | undefined } = {}): Promise<void> {
  const run = ensureRunDirectory();
  let files = agentFiles(run).filter((file) => {
    const record = readRecord(run, file);
    return (
      record !== undefined &&
      (record.name === name || (/^[0-9a-f]{12,}$/.test(name) && record.identity.startsWith(name)))
    );
  });
  if (files.length === 0) files = await agentFilesOf(run, name, options.engine);
  if (files.length === 0) {
    throw new PortholeError("TARGET", `no agent for '${name}'`, { hint: "run porthole agents to list them" });
  }
  const failures: PortholeError[] = [];
  for (const file of files) await endAgent(run, file).catch((error) => failures.push(error as PortholeError));
  if (failures[0] !== undefined) throw failures[0];
}

/**
 * Finds agents by the name that the engines use now: a renamed container or a Compose name. Empty
 * if the engines do not know the name.
 */
async function agentFilesOf(run: RunDirectory, name: string, engine: string | undefined): Promise<string[]> {
  if (agentFiles(run).length === 0 || name.startsWith("pid:")) return [];
  try {
    const { running, stopped } = await resolveContainer(name, engine, MOUNT_POINT);
    const { id } = running ?? stopped;
    return agentFiles(run).filter((file) => readRecord(run, file)?.identity === id);
  } catch {
    return [];
  }
}

/**
 * Ends every agent. Removes mounts, and sidecars, sockets, records and the agent's images from
 * every engine that responds. Empties the directory that containers may have mounted, but keeps it:
 * containers would not see a recreated directory.
 * @returns the failures; a missing engine is not a failure
 */
export async function detachAll(options: { engine?: string | undefined } = {}): Promise<PortholeError[]> {
  const run = ensureRunDirectory();
  const failures: PortholeError[] = [];
  const known = new Map<string, Engine>();
  try {
    // Includes engines that DOCKER_HOST or a context no longer names.
    for (const engine of [...engines(options.engine), ...engines("all")]) known.set(engine.socketPath, engine);
  } catch (error) {
    if (options.engine !== undefined) throw error;
    for (const engine of engines("all")) known.set(engine.socketPath, engine);
  }
  const used = new Set<string>();
  for (const file of agentFiles(run)) {
    const record = readRecord(run, file);
    if (record !== undefined && record.engine !== "") {
      used.add(record.engine);
      if (!known.has(record.engine)) known.set(record.engine, recordedEngine(record.engine));
    }
    await endAgent(run, file).catch((error) => failures.push(error as PortholeError));
  }
  if (known.size > 0) {
    const { removeSidecars } = await import("../../routes/sidecar/remove-sidecars.ts");
    for (const engine of known.values()) {
      // Sidecars exist only in Docker and Podman.
      if (engine.isCri) continue;
      try {
        await removeSidecars(engine);
      } catch (error) {
        // A user without access to an engine has no sidecars on it, unless a record says otherwise.
        if (isAbsent(error) || (isDenied(error) && !used.has(engine.socketPath))) continue;
        const hint = error instanceof PortholeError ? error.hint : undefined;
        const text = `cannot clean up at ${engine.socketPath}: ${messageOf(error)}`;
        failures.push(new PortholeError("TARGET", text, { hint, cause: error }));
      }
    }
  }
  for (const tree of mountedTrees(run)) {
    try {
      unmountTree(run, tree);
    } catch (error) {
      failures.push(error as PortholeError);
    }
  }
  removeRest(run);
  return failures;
}

/** Removes the agent program and leftovers of killed starts: sockets, temporary files, a lock. */
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

/**
 * Ends one agent and removes its files. Holds the lock, so that no other process starts an agent
 * for the target.
 */
function endAgent(run: RunDirectory, file: string): Promise<void> {
  const identity = file.slice(0, file.indexOf("."));
  return withAgentLock(run, identity, { timeoutMs: LOCK_TIMEOUT_MS }, async () => {
    const record = readRecord(run, file);
    const hasEnded = await visit(run, file, ({ client }) => sayBye(client)).catch(() => false);
    removeAgentFiles(run, file);
    if (record === undefined) return;
    if (record.sidecar !== "") {
      const { removeSidecars } = await import("../../routes/sidecar/remove-sidecars.ts");
      await removeSidecars(recordedEngine(record.engine), record.identity, run).catch(() => undefined);
    } else if (!hasEnded) killAgent(record);
  });
}

/** Ends an agent that did not confirm, if its process is still alive. */
function killAgent({ name, agentPid, agentStarted }: AgentRecord): void {
  const errno = endAgentProcess({ pid: agentPid, started: agentStarted });
  if (errno === undefined) return;
  throw new PortholeError("ATTACH", `cannot end the agent of '${name}' (process ${agentPid}): ${errno}`, {
    errno,
    hint: "it does not respond and ends when idle; run porthole detach as root to end it now",
  });
}

/**
 * Connects to the agent of `file`; undefined if it is gone or refuses this client.
 * @throws FullAgentError
 */
async function visit<T>(
  run: RunDirectory,
  file: string,
  action: (agent: AnyVersion, record: AgentRecord) => T | Promise<T>,
): Promise<T | undefined> {
  try {
    const record = readRecord(run, file);
    const agent = record && (await openAnyVersion(run, file));
    if (agent === undefined || record === undefined) return undefined;
    try {
      return await action(agent, record);
    } finally {
      agent.client.close();
    }
  } catch (error) {
    if (error instanceof FullAgentError) throw error;
    return undefined;
  }
}

/**
 * Prepares the directory that containers mount for the mount route. Returns the source and the
 * target of that mount (read-only).
 */
export async function prepareMount(): Promise<{ source: string; target: string }> {
  const { installAgent } = await import("../../routes/agents/agent-program.ts");
  const run = ensureRunDirectory();
  installAgent(run);
  return { source: run.mount, target: MOUNT_POINT };
}
