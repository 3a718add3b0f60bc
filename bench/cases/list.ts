import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { compare, type Result, timeCommand } from "../measure.ts";
import { run, type Stage } from "../stage.ts";

const DIRECTORIES = 100;
const FILES = 999;

/** `ls -lR` of 100,000 entries in the container, against busybox there. */
export async function listTree(stage: Stage): Promise<Result[]> {
  const { env, porthole, container } = stage;
  const root = `/proc/${container.pid}/root/tree`;
  const ours = ["node", porthole, "ls", "-lR", `${container.name}:/tree`];
  const theirs = ["docker", "exec", container.name, "/busybox", "ls", "-lR", "/tree"];
  try {
    for (let directory = 0; directory < DIRECTORIES; directory++) {
      mkdirSync(`${root}/${directory}`, { recursive: true });
      for (let file = 0; file < FILES; file++) writeFileSync(`${root}/${directory}/file-${file}`, "");
    }
    const counts = [ours, theirs].map(
      ([command = "", ...args]) => run(command, args, env).match(/^[-d]r/gm)?.length ?? 0,
    );
    if (counts.some((count) => count !== DIRECTORIES * (FILES + 1)))
      throw new Error(`not all is listed: ${counts.join(" and ")} entries`);
    const piped = (command: string[]) => timeCommand("sh", ["-c", `${command.join(" ")} | cat > /dev/null`], env);
    return await compare(
      [
        { name: "docker exec ls -lR", run: () => piped(theirs) },
        { name: "porthole ls -lR", run: () => piped(ours) },
        { name: "ls -lR on the host", run: () => piped(["ls", "-lR", root]) },
      ],
      5,
    );
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}
