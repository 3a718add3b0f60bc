import { connect } from "../../src/index.ts";
import { type Contestant, compare, type Result, timeCommand } from "../measure.ts";
import { run, type Stage } from "../stage.ts";

/** Starting an agent, route by route, each against what the kernel or the engine alone needs for the like. */
export async function coldAttach(stage: Stage): Promise<Result[]> {
  const { env, container, porthole } = stage;
  const enter = stage.program("enter");
  const bases: Record<string, Contestant> = {
    direct: { name: "fork + setns in C", run: () => timeCommand(enter, [String(container.pid)], env) },
    mount: {
      name: "docker exec of a no-op",
      run: () => timeCommand("docker", ["exec", "stage", "/busybox", "true"], env),
    },
    sidecar: {
      name: "docker run of a no-op",
      run: () => timeCommand("docker", ["run", "--rm", "--network", "none", "bench:1", "/busybox", "true"], env),
    },
  };
  const results: Result[] = [];
  for (const [route, base] of Object.entries(bases)) {
    const attach = {
      name: `attach, ${route}`,
      run: async () => {
        run("node", [porthole, "detach", "--all"], env);
        if (route === "mount") run("node", [porthole, "docker-args"], env);
        // The image is there already after the first time, as it is for docker run.
        const started = performance.now();
        const session = await connect(container.name, { route: route as "direct" | "mount" | "sidecar" });
        const taken = performance.now() - started;
        session.close();
        return taken;
      },
    };
    results.push(...(await compare([base, attach], 11)));
  }
  return results;
}
