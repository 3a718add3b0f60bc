import type { Case } from "../case.ts";
import { compare, type Result, timeCommand } from "../measure.ts";
import { run, type Stage } from "../stage.ts";

/** Measures a completion with a live agent. */
export const completeKey: Case = {
  title: "what the shell waits for at one press of Tab",
  goals: ["an option", "a container", "a path in a container"].map((result) => ({
    text: "<= 1.5x node -e 0",
    result,
    of: "ratio",
    atMost: 1.5,
  })),
  run: pressTab,
};

async function pressTab(stage: Stage): Promise<Result[]> {
  const { env, porthole, container } = stage;
  run("node", [porthole, "cat", "--idle", "3600", `${container.name}:/etc/hostname`], env);
  const key = (word: string) => [porthole, "__complete", "zsh", "--", "cat", word];
  const path = `${container.name}:/etc/host`;
  const found = run("node", key(path), env);
  if (!found.includes(`${container.name}:/etc/hostname`)) throw new Error(`nothing completes ${path}: ${found}`);
  stage.profile("a path in a container", key(path));
  return compare(
    [
      { name: "node -e 0", run: () => timeCommand("node", ["-e", "0"], env) },
      { name: "an option", role: "ours", run: () => timeCommand("node", key("--"), env) },
      { name: "a container", role: "ours", run: () => timeCommand("node", key("sta"), env) },
      { name: "a path in a container", role: "ours", run: () => timeCommand("node", key(path), env) },
    ],
    { rounds: 21 },
  );
}
