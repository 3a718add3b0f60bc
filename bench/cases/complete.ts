import { compare, type Result, timeCommand } from "../measure.ts";
import { run, type Stage } from "../stage.ts";

/** What the shell waits for at one press of Tab, with a live agent, against an empty Node. */
export async function completeKey(stage: Stage): Promise<Result[]> {
  const { env, porthole, container } = stage;
  run("node", [porthole, "cat", "--idle", "3600", `${container.name}:/etc/hostname`], env);
  const key = (word: string) => [porthole, "__complete", "zsh", "--", "cat", word];
  const path = `${container.name}:/etc/host`;
  const found = run("node", key(path), env);
  if (!found.includes(`${container.name}:/etc/hostname`)) throw new Error(`nothing completes ${path}: ${found}`);
  return compare(
    [
      { name: "node -e 0", run: () => timeCommand("node", ["-e", "0"], env) },
      { name: "an option", run: () => timeCommand("node", key("--"), env) },
      { name: "a container", run: () => timeCommand("node", key("sta"), env) },
      { name: "a path in a container", run: () => timeCommand("node", key(path), env) },
    ],
    21,
  );
}
