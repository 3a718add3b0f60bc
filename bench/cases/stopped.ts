import type { Case } from "../case.ts";
import { compare, type Result, timeCommand } from "../measure.ts";
import { run, type Stage } from "../stage.ts";

/** Number of files that the container adds to one directory. */
const FILES = 10_000;

/**
 * Node alone takes longer than docker cp. So the goal allows a multiple of docker cp for the work,
 * in addition to the start of Node. 1.35x is the goal of a cat with a live agent.
 */
const [COPY_FACTOR, NODE_FACTOR] = [0.5, 1.35];
const DIRECT_GOAL = `${COPY_FACTOR}x docker cp FILE - + ${NODE_FACTOR}x node -e 0`;

export const stoppedContainer: Case = {
  title: `a stopped container: its first read, and diff of ${FILES.toLocaleString("en")} files`,
  goals: [
    { text: `<= ${DIRECT_GOAL}`, result: "direct: porthole cat, new agent", of: "ratio", atMost: 1 },
    { text: "<= 1.2x docker run of a no-op", result: "sidecar: porthole cat, new agent", of: "ratio", atMost: 1.2 },
    { text: "<= 2x docker diff", result: "diff: porthole diff", of: "ratio", atMost: 2 },
  ],
  run: readStopped,
};

async function readStopped(stage: Stage): Promise<Result[]> {
  const { env, porthole } = stage;
  const name = "bench-stopped";
  const script = `mkdir /many; i=0; while [ $i -lt ${FILES} ]; do i=$((i + 1)); echo $i > /many/$i; done; echo own > /own`;
  run("docker", ["run", "--name", name, "--network", "none", "bench:1", "/busybox", "sh", "-c", script], env);
  try {
    const file = `${name}:/own`;
    const first = (route: string) => ({
      name: "porthole cat, new agent",
      role: "ours" as const,
      run: () => {
        run("node", [porthole, "detach", name], env);
        return timeCommand("node", [porthole, "cat", "--route", route, file], env);
      },
    });
    const noop = ["run", "--rm", "--network", "none", "bench:1", "/busybox", "true"];
    const timeNode = () => timeCommand("node", ["-e", "0"], env);
    const timeCopy = () => timeCommand("docker", ["cp", file, "-"], env);
    const goal = {
      name: DIRECT_GOAL,
      run: async () => COPY_FACTOR * (await timeCopy()) + NODE_FACTOR * (await timeNode()),
    };
    const node = { name: "node -e 0", role: "peer" as const, run: timeNode };
    const copy = { name: "docker cp FILE -", role: "peer" as const, run: timeCopy };
    const start = { name: "docker run of a no-op", run: () => timeCommand("docker", noop, env) };
    stage.profile("porthole diff", [porthole, "diff", name]);
    return [
      ...(await compare([goal, first("direct"), copy, node], { group: "direct", rounds: 11 })),
      ...(await compare([start, first("sidecar")], { group: "sidecar", rounds: 11 })),
      ...(await compare(
        [
          { name: "docker diff", run: () => timeCommand("docker", ["diff", name], env) },
          { name: "porthole diff", role: "ours", run: () => timeCommand("node", [porthole, "diff", name], env) },
        ],
        { group: "diff", rounds: 11 },
      )),
    ];
  } finally {
    run("node", [porthole, "detach", name], env);
    run("docker", ["rm", name], env);
  }
}
