import { readdirSync } from "node:fs";
import { expect } from "vitest";
import { inCgroupOf, parentOf } from "../../src/descriptors/process.ts";
import type { Container, Engine } from "../helpers/engine.ts";
import { jsonLines, type User } from "../helpers/porthole.ts";
import { directAgents, findProcesses } from "../helpers/processes.ts";

/** The tested fields of an agent in `porthole agents --json`. */
export interface ListedAgent {
  name: string;
  container: string;
  route: string;
  clients: number;
  memoryKiB: number;
  sidecar: string;
}

/** Returns the list that `porthole agents --json` prints. */
export async function listedAgents(by: User): Promise<ListedAgent[]> {
  const { text } = await by.run(["agents", "--json"]);
  return jsonLines(text);
}

/**
 * Expects that `porthole cat --trace` prints this text, and reports this route, such as `direct,
 * new agent`.
 */
export async function expectRead(
  by: User,
  target: string,
  text: string,
  route: string,
  options: readonly string[] = [],
): Promise<void> {
  const result = await by.run(["cat", "--trace", ...options, target]);
  expect(result).toMatchObject({ code: 0, text });
  expect(result.stderr).toContain(`route ${route}`);
}

/** Returns the ids of the sidecars, running or not, that porthole created for `target`. */
export async function sidecarsOf({ api }: Engine, target: { id: string }): Promise<string[]> {
  const list = await api.listContainers({ all: true, filters: { label: [`io.porthole.sidecar=${target.id}`] } });
  return list.map(({ Id }) => Id);
}

/** Returns the agents that the direct route started on the host for `target`. */
export function directAgentsOf(target: { pid: number }): number[] {
  return directAgents(target.pid).agents;
}

/** Returns the agents that the mount route started inside `target`. */
export function mountAgentsOf(target: Container): number[] {
  return withoutSessions(
    findProcesses(({ pid, args }) => {
      return args[0] === "/run/porthole/agent" && inCgroupOf(pid, target.id);
    }),
  );
}

/**
 * Omits the children of an agent, which serve one session each and may outlive it for a moment.
 * Also omits agents that have ended since.
 */
function withoutSessions(found: number[]): number[] {
  return found.filter((pid) => {
    const parent = parentOf(pid);
    return parent !== undefined && !found.includes(parent);
  });
}

/**
 * Returns the routes that have an agent for `target`, as the host and the engine report them, not
 * porthole.
 */
export async function routesInUse(on: Engine, target: Container): Promise<string[]> {
  return [
    ...directAgentsOf(target).map(() => "direct"),
    ...mountAgentsOf(target).map(() => "mount"),
    ...(await sidecarsOf(on, target)).map(() => "sidecar"),
  ];
}

/**
 * Lists files that porthole keeps for `by`: sockets, records and locks of agents, and rendezvous
 * sockets.
 */
export function keptFiles(by: User): string[] {
  return ["agents", "mnt"].flatMap((folder) => {
    try {
      return readdirSync(`${by.directory}/state/porthole/${folder}`).map((name) => `${folder}/${name}`);
    } catch {
      return [];
    }
  });
}

/** Returns the names of the agent's images that the engine has. */
export async function agentImages({ api }: Engine): Promise<string[]> {
  const images = await api.listImages();
  return images.flatMap(({ RepoTags }) => RepoTags ?? []).filter((tag) => tag.includes("porthole-agent"));
}
