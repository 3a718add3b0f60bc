import { type Daemon, startDocker, startPodman } from "./daemons.ts";
import type { Need } from "./machine.ts";

/**
 * Engines other than the distribution's own. Each is a project of vitest.config.ts: the chosen test files run once more, and
 * what they ask for as `docker` or `podman` is this engine. `--project NAME` runs one of them alone.
 */
export interface Variant {
  /** The project's name. */
  name: string;
  /** What docs/compatibility.md calls it. */
  title: string;
  isPodman?: true;
  /** The needs that it stands for. */
  needs: readonly Need[];
  start(directory: string): Promise<Daemon>;
}

/** Names the directory of today's engines, from scripts/current-engines.sh; unset, their projects do not run, which the run says. */
export const CURRENT_ENGINES = "PORTHOLE_CURRENT_ENGINES";

const programs = () => process.env[CURRENT_ENGINES];
/** The lowest that Docker 29 answers. */
const minimumApi = "1.44";

export const variants: readonly Variant[] = [
  {
    name: "docker-current",
    title: "current Docker",
    needs: ["docker"],
    start: (directory) => startDocker(`${directory}/docker`, { programs: programs(), storage: "overlay2", minimumApi }),
  },
  {
    name: "docker-containerd",
    title: "current Docker, containerd store",
    needs: ["docker"],
    start: (directory) =>
      startDocker(`${directory}/docker`, { programs: programs(), storage: "containerd", minimumApi }),
  },
  {
    name: "docker-cgroup2",
    title: "current Docker, cgroup v2 alone",
    needs: ["docker"],
    start: (directory) =>
      startDocker(`${directory}/docker`, { programs: programs(), storage: "overlay2", minimumApi, view: "v2" }),
  },
  {
    name: "podman-current",
    title: "current Podman",
    isPodman: true,
    needs: ["docker", "podman"],
    start: (directory) => startPodman(`${directory}/podman`, { programs: programs() }),
  },
  {
    name: "podman-cgroup2",
    title: "current Podman, cgroup v2 alone",
    isPodman: true,
    needs: ["docker", "podman"],
    start: (directory) => startPodman(`${directory}/podman`, { programs: programs(), view: "v2" }),
  },
];

/**
 * Test files that run over every variant: what depends on how an engine lays out a container (routes, states, mounts,
 * devices), on its API (listing, following, detaching, doctor) and on its images. The others are about files, terminals
 * and porthole's own processes, which no engine changes.
 */
const everywhere = ["routes", "listing", "tail", "lifetime", "differences"];
/** These hold Docker's own words and options; podman.test.ts is their counterpart. */
const ofDocker = ["states", "devices", "situations"];

/** What does not run: control groups change nothing about it. */
const ofStorage = ["stopped"];

/** The test files that run over a variant. */
export function filesOver({ name, isPodman }: Variant): string[] {
  const storage = name.endsWith("-cgroup2") ? [] : ofStorage;
  return [...everywhere, ...storage, ...(isPodman ? ["podman"] : ofDocker)].map(
    (name) => `test/docker/${name}.test.ts`,
  );
}
