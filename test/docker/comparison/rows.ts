import { appendFileSync, readlinkSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { expect } from "vitest";
import { engineProxy } from "../../helpers/engine-proxy.ts";
import type { Actor } from "./actor.ts";
import { DEVICE, heldPath, makeAnew, ready, restart, type Subject, type Subjects, texts } from "./subjects.ts";
import { type Tried, tries } from "./tries.ts";
import type { Way } from "./ways.ts";

/** The engine that a cell is checked with. */
export type Place = "docker" | "podman" | "rootlessDocker" | "rootlessPodman" | "host";

/** A row of the comparison: the action that is checked for each tool. */
export interface Row {
  /** Runs the action as `by` on a container, whose image may have no tools. */
  attempt?(way: Way, by: Actor, of: Subject, refused: RegExp | undefined): Promise<Tried>;
  /** The same for an action without a container. */
  attemptHere?(way: Way, by: Actor): Promise<Tried>;
  /**
   * The containers that the row applies to; default: the open ones with and without tools in the
   * image.
   */
  images?: readonly (keyof Subjects)[];
  /**
   * The user. Default: root if the tool needs it, otherwise a user who is only in the engine's
   * group.
   */
  as?: "member" | "owner";
  /** Columns of tools that need root only for this row. */
  asRoot?: readonly string[];
  /** The engine, if it differs from the default of the tool. */
  places?: Record<string, Place>;
  /** Brings the containers to the state of the row, and back. */
  enter?(all: Subjects): Promise<void>;
  leave?(all: Subjects): Promise<void>;
  /**
   * How each tool reports that it cannot do the action, by column. If the image lacks the tool,
   * `noTool` is valid for all tools.
   */
  refused: Record<string, RegExp>;
}

/** The engine's message for an image without programs. */
export const noTool = /executable file not found|failed to execute|can't execute/;

const isMissing = /No such file|Could not find the file|no such file/;
const isPaused = /is paused/;
const isStopped = /is not running|No such file|non running container|not running/;

/** Rows by their names in docs/comparison.md. */
export const rows: Record<string, Row> = {
  "no shell or tool in the image": {
    images: ["bare"],
    attempt: (way, by, of, refused) => reads(way, by, of, "/data/greeting", refused),
    refused: {},
  },
  "volumes and bind mounts": {
    attempt: (way, by, of, refused) => reads(way, by, of, "/volume/kept.log", refused),
    refused: { "podman mount": isMissing, "podman cp": isMissing },
  },
  "tmpfs, `/proc`": {
    attempt: async (way, by, of, refused) => {
      const memory = await reads(way, by, of, "/cache/state.log", refused);
      const kernel = await tries(() => way.read(by, of, "/proc/1/status"), { wanted: /^Name:\tready$/m, refused });
      const said = memory.said + kernel.said;
      if (kernel.worked && !memory.worked) throw new Error(`only /proc: ${said}`);
      return { worked: kernel.worked, said, ...(memory.worked && !kernel.worked && { partly: "tmpfs only" }) };
    },
    refused: { "docker cp": isMissing, "podman mount": isMissing, "podman cp": isMissing },
  },
  "devices given to it": {
    // A read of the device fails with EINVAL, after a successful open.
    attempt: (way, by, of, refused) =>
      tries(() => way.read(by, of, DEVICE), { wanted: /Got file descriptor|Invalid argument/, refused }),
    refused: {
      "docker cp": isMissing,
      "podman mount": isMissing,
      "podman cp": isMissing,
      "cdebug exec": /Operation not permitted/,
    },
  },
  "read-only, not root, no capability": {
    images: ["sealedBare", "sealedTooled"],
    attempt: async (way, by, of, refused) => {
      const before = await of.container.handle.changes();
      const tried = await reads(way, by, of, "/data/greeting", refused);
      expect(await of.container.handle.changes()).toEqual(before);
      return tried;
    },
    refused: { "cdebug exec": /Read-only file system|Permission denied/ },
  },
  "paused container": {
    enter: (all) => each(all, (subject) => subject.container.handle.pause()),
    leave: (all) => each(all, (subject) => subject.container.handle.unpause()),
    attempt: (way, by, of, refused) => reads(way, by, of, "/log/app.log", refused),
    refused: { "docker exec": isPaused, lnav: isPaused },
  },
  "a deleted file that is open": {
    attempt: async (way, by, of, refused) => {
      const tried = await tries(() => way.read(by, of, heldPath(of)), { wanted: /gone and open/, refused });
      if (tried.worked) return tried;
      const byName = await tries(() => way.read(by, of, "/log/gone.log"), { wanted: /gone and open/, refused });
      return { worked: byName.worked, said: tried.said + byName.said };
    },
    refused: { "docker cp": isMissing, "podman mount": isMissing, "podman cp": isMissing },
  },
  "follow through rotation": {
    attempt: (way, by, of) =>
      follows(way, by, of, (log) => {
        renameSync(log, `${log}.1`);
        writeFileSync(log, "rotated\n");
      }),
    refused: { "docker cp": /began/, "podman cp": /began/ },
  },
  "follow through a restart": {
    attempt: (way, by, of) => follows(way, by, of, () => restart(of)),
    refused: {
      "docker exec": /began/,
      "docker cp": /began/,
      "podman cp": /began/,
      "cdebug exec": /began/,
      lnav: /began/,
    },
  },
  "follow a recreated container": {
    attempt: (way, by, of, refused) =>
      follows(way, by, of, (_, follower) => makeAnew(of).then(() => whereItStayed(of, follower)), refused),
    refused: {
      "docker exec": /began/,
      "docker cp": /began/,
      "podman mount": /inaccessible/,
      "podman cp": /began/,
      nsenter: /another mount namespace/,
      "cdebug exec": /began/,
      lnav: /began/,
    },
  },
  "stopped container": {
    enter: (all) => each(all, (subject) => subject.container.handle.stop({ t: 5 })),
    leave: (all) =>
      each(all, async (subject) => {
        await subject.container.handle.start();
        await ready(subject);
      }),
    attempt: (way, by, of, refused) => reads(way, by, of, "/data/greeting", refused),
    refused: {
      "docker exec": isStopped,
      lnav: isStopped,
      nsenter: isStopped,
      "cdebug exec": isStopped,
    },
  },
  "pulls no image": {
    images: ["tooled"],
    attempt: pullsNothing,
    refused: { "cdebug exec": /images\/create\?fromImage/ },
  },
  "without root, in the docker group": {
    images: ["tooled"],
    as: "member",
    attempt: (way, by, of, refused) => reads(way, by, of, "/data/greeting", refused),
    refused: {
      "podman mount": /no such container|permission denied/,
      "podman cp": /no such container|permission denied/,
      nsenter: /Permission denied/,
    },
  },
  "without root, in a rootless engine of yours": {
    images: ["tooled"],
    as: "owner",
    places: {
      porthole: "rootlessDocker",
      "docker exec": "rootlessDocker",
      "docker cp": "rootlessDocker",
      "podman mount": "rootlessPodman",
      "podman cp": "rootlessPodman",
      nsenter: "rootlessDocker",
      "cdebug exec": "rootlessDocker",
      lnav: "rootlessDocker",
    },
    attempt: (way, by, of, refused) => reads(way, by, of, "/data/greeting", refused),
    refused: { "podman mount": /podman unshare/ },
  },
  "a shell inside": {
    asRoot: ["porthole"],
    attempt: (way, by, of, refused) =>
      tries(() => way.shell(by, of, "echo inside $((40 + 2))"), { wanted: /inside 42/, refused }),
    refused: {
      "docker cp": /echo inside/,
      "podman mount": /echo inside/,
      "podman cp": /echo inside/,
      lnav: /echo inside/,
    },
  },
  "SQL over log lines": {
    places: { lnav: "host" },
    attemptHere: (way, by) =>
      tries(() => way.sql(by, `${by.user.directory}/lines.log`), { wanted: /\bSQL\b|lines: 2/ }),
    refused: {
      porthole: /Usage: porthole/i,
      "docker exec": /Usage:\s+docker exec/,
      "docker cp": /Usage:\s+docker cp/,
      "podman mount": /podman mount/,
      "podman cp": /podman cp/,
      nsenter: /nsenter \[options\]/,
    },
  },
};

async function reads(way: Way, by: Actor, of: Subject, path: keyof typeof texts, refused?: RegExp): Promise<Tried> {
  return tries(() => way.read(by, of, path), { wanted: new RegExp(texts[path]), refused });
}

/**
 * @param happens changes the container after the follower has printed the beginning of its log;
 * returns why the follower cannot continue
 */
async function follows(
  way: Way,
  by: Actor,
  of: Subject,
  happens: (log: string, follower: number) => unknown,
  refused?: RegExp,
): Promise<Tried> {
  const log = () => `/proc/${of.pid}/root/log/app.log`;
  rmSync(`${log()}.1`, { force: true });
  writeFileSync(log(), "began\n");
  const after = async (follower: number) => {
    const hindered = await happens(log(), follower);
    appendFileSync(log(), "and went on\n");
    return typeof hindered === "string" ? hindered : undefined;
  };
  return tries(() => way.follow(by, of, "/log/app.log"), {
    wanted: /began/,
    next: { after, wanted: /and went on/, refused },
  });
}

/**
 * Reports a follower that is in neither the host's nor the new container's mount namespace: it sees
 * the old container.
 */
function whereItStayed({ pid }: Subject, follower: number): string | undefined {
  const [here, its, there] = ["self", follower, pid].map((of) => mountNamespace(of));
  return its === undefined || its === here || its === there ? undefined : `it is in another mount namespace, ${its}`;
}

function mountNamespace(pid: number | string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/mnt`);
  } catch {
    return undefined;
  }
}

async function pullsNothing(way: Way, by: Actor, of: Subject, refused: RegExp | undefined): Promise<Tried> {
  const proxy = await engineProxy(of.engine);
  // Tools that use an engine get a recording proxy. The other tools have no network to pull from.
  const listened: Actor = { ...by, env: { ...by.env, DOCKER_HOST: proxy.host } };
  const before = way.asRoot ? ["unshare", "--net"] : [];
  const absent = { ...of, toolkit: "localhost/not-there:musl" };
  const tried = await reads(way, { ...listened, before }, absent, "/data/greeting", refused);
  const pulls = proxy.requests.filter((line) => line.includes("/images/create?fromImage"));
  return pulls.length === 0 ? tried : { worked: false, said: `${tried.said}\n${pulls.join("\n")}` };
}

async function each(all: Subjects, action: (subject: Subject) => Promise<unknown>): Promise<void> {
  await Promise.all([all.bare, all.tooled].map(action));
}
