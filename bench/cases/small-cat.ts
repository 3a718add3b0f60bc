import { compare, type Result, timeCommand } from "../measure.ts";
import { run, type Stage } from "../stage.ts";

/** `porthole cat` of a small file through a live agent, the name resolved, against an empty Node. */
export async function smallCat(stage: Stage): Promise<Result[]> {
  const { env, porthole } = stage;
  const target = `${stage.container.name}:/etc/hostname`;
  run("node", [porthole, "cat", "--idle", "3600", target], env);
  return compare(
    [
      { name: "node -e 0", run: () => timeCommand("node", ["-e", "0"], env) },
      { name: "porthole cat", run: () => timeCommand("node", [porthole, "cat", target], env) },
      { name: "porthole --version", run: () => timeCommand("node", [porthole, "--version"], env) },
      {
        name: "docker exec cat",
        run: () => timeCommand("docker", ["exec", "stage", "/busybox", "cat", "/etc/hostname"], env),
      },
    ],
    21,
  );
}
