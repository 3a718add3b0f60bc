import {
  type Daemon,
  type DaemonCommand,
  type DockerOptions,
  dockerCommand,
  podmanCommand,
  startDocker,
  startPodman,
} from "./daemons.ts";
import type { Need } from "./machine.ts";

/**
 * Engines other than those of the distribution. Each is a project of vitest.config.ts: the chosen
 * test files run again, and their `docker` or `podman` is this engine. `--project NAME` runs one of
 * them alone.
 */
export interface Variant {
  /** The project's name. */
  name: string;
  /** The name of the variant in docs/compatibility.md. */
  title: string;
  isPodman?: true;
  /** The requirements that it provides. */
  needs: readonly Need[];
  start(directory: string): Promise<Daemon>;
  /** The command of such an engine on another machine; see far-engine.ts. */
  far?: (directory: string) => DaemonCommand;
}

/**
 * The directory of the current engines, from scripts/current-engines.sh. If it is unset, their
 * projects are skipped with a notice.
 */
export const CURRENT_ENGINES = "PORTHOLE_CURRENT_ENGINES";

const programs = () => process.env[CURRENT_ENGINES];
/** The minimum API version of Docker 29. */
const minimumApi = "1.44";
const current = (): DockerOptions => ({ programs: programs(), storage: "overlay2", minimumApi });

export const variants: readonly Variant[] = [
  {
    name: "docker-current",
    title: "current Docker",
    needs: ["docker"],
    start: (directory) => startDocker(`${directory}/docker`, current()),
    far: (directory) => dockerCommand(directory, current()),
  },
  {
    name: "docker-containerd",
    title: "current Docker, containerd store",
    needs: ["docker"],
    start: (directory) => startDocker(`${directory}/docker`, { ...current(), storage: "containerd" }),
  },
  {
    name: "docker-cgroup2",
    title: "current Docker, cgroup v2 alone",
    needs: ["docker"],
    start: (directory) => startDocker(`${directory}/docker`, { ...current(), view: "v2" }),
  },
  {
    name: "podman-current",
    title: "current Podman",
    isPodman: true,
    needs: ["docker", "podman"],
    start: (directory) => startPodman(`${directory}/podman`, { programs: programs() }),
    far: (directory) => podmanCommand(directory, { programs: programs() }),
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
 * Test files that run with every variant: they depend on the layout of a container (routes, states,
 * mounts, devices), on the engine's API (listing, following, detaching, doctor) or on its images.
 * The other files test terminals and porthole's own processes, which do not depend on the engine.
 */
const everywhere = ["routes", "states", "listing", "tail", "output", "lifetime", "differences"];
/** These test Docker's own messages and options; podman.test.ts is their counterpart. */
const ofDocker = ["devices", "situations"];

/** Tests of stopped containers, trees and disk usage, which do not depend on control groups. */
const ofStorage = ["denied", "disk", "engine-files", "stopped", "trees"];

/** Tests of a container's namespaces. They depend neither on storage nor on control groups. */
const ofNamespaces = ["mount", "shell"];

/** Tests of engines on other machines. They depend on the engine's API and on its exec. */
const ofOtherMachines = ["remote", "lost-helper", "several-engines", "installed-there"];

/** Copies by the engine. Podman takes over a second per request, so only Debian's is tested. */
const ofArchives = ["copied"];

/** Returns the test files of a variant. */
export function filesOver({ name, isPodman }: Variant): string[] {
  const namespaces = name.endsWith("-current") ? [...ofNamespaces, ...ofOtherMachines] : [];
  const storage = name.endsWith("-cgroup2") ? [] : [...ofStorage, ...(isPodman ? [] : ofArchives)];
  return [...everywhere, ...namespaces, ...storage, ...(isPodman ? ["podman"] : ofDocker)].map(
    (name) => `test/docker/${name}.test.ts`,
  );
}
