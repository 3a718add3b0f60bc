import { spawn, spawnSync } from "node:child_process";
import { connect } from "porthole";
import type { Case } from "../case.ts";
import { type Contestant, compare, type Result, timeCommand } from "../measure.ts";
import type { Stage } from "../stage.ts";

/** Each route against the same operation by the kernel or the engine alone. */
export const coldAttach: Case = {
  title: "starting an agent, route by route",
  goals: [
    { text: "<= 1.1x nsenter of a no-op", result: "direct: attach", of: "ratio", atMost: 1.1 },
    { text: "<= 0.8x docker exec of a no-op", result: "mount: attach", of: "ratio", atMost: 0.8 },
    { text: "<= 0.5x docker run of a no-op", result: "sidecar: attach", of: "ratio", atMost: 0.5 },
  ],
  run: attachByRoute,
};

async function attachByRoute(stage: Stage): Promise<Result[]> {
  const { env, container, porthole } = stage;
  const enter = stage.program("enter");
  const pairs: { base: Contestant; floor?: Contestant; route: "direct" | "mount" | "sidecar"; target: string }[] = [
    {
      route: "direct",
      // Use a pid: every route requests it from the engine, and this measures only the entry.
      target: `pid:${container.pid}`,
      base: {
        name: "nsenter of a no-op",
        run: () => timeCommand("nsenter", ["-t", String(container.pid), "-m", "-r", "/busybox", "true"], env),
      },
      // Runs without the no-op and without the search for its program.
      floor: { name: "fork + setns in C, told back", run: () => timeEntering(enter, container.pid) },
    },
    {
      route: "mount",
      target: container.name,
      base: {
        name: "docker exec of a no-op",
        run: () => timeCommand("docker", ["exec", container.name, "/busybox", "true"], env),
      },
    },
    {
      route: "sidecar",
      target: container.name,
      base: {
        name: "docker run of a no-op",
        run: () => timeCommand("docker", ["run", "--rm", "--network", "none", "bench:1", "/busybox", "true"], env),
      },
    },
  ];
  // Ends only the agents. The image and the run directory stay, as the image of the base does.
  const detach = () => {
    for (const live of [container.name, `pid:${container.pid}`])
      spawnSync(process.execPath, [porthole, "detach", live], { env });
  };
  const results: Result[] = [];
  for (const { base, floor, route, target } of pairs) {
    const attach: Contestant = {
      name: "attach",
      role: "ours",
      run: async () => {
        detach();
        const started = performance.now();
        const session = await connect(target, { route });
        const taken = performance.now() - started;
        session.close();
        return taken;
      },
    };
    const contestants = [base, attach, ...(floor === undefined ? [] : [floor])];
    results.push(...(await compare(contestants, { group: route, rounds: 21, warmUp: 5 })));
  }
  // A later case would use the last one: a search on the sidecar's route cannot use trees.
  detach();
  return results;
}

/** Returns the milliseconds until a program in C has entered the namespace and reported it. */
function timeEntering(program: string, pid: number): Promise<number> {
  const started = performance.now();
  const child = spawn(program, [String(pid)], { stdio: ["ignore", "ignore", "inherit", "pipe"] });
  return new Promise((resolve, reject) => {
    const told = child.stdio[3];
    told?.once("data", () => resolve(performance.now() - started));
    child.once("error", reject);
    child.once("exit", (code) => code !== 0 && reject(new Error(`${program} ended with status ${code}`)));
  });
}
