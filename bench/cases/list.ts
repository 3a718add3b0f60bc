import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import type { Case } from "../case.ts";
import { compare, type Result, timePiped } from "../measure.ts";
import { run, type Stage } from "../stage.ts";

const DIRECTORIES = 100;
const FILES = 999;

export const listTree: Case = {
  title: "ls -lR of 100,000 entries in the container",
  goals: [],
  run: listAll,
};

async function listAll(stage: Stage): Promise<Result[]> {
  const { env, porthole, container } = stage;
  const root = `${container.root}/tree`;
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
    const piped = ([command = "", ...args]: string[]) => timePiped(command, args, env);
    return await compare(
      [
        { name: "docker exec ls -lR", run: () => piped(theirs) },
        { name: "porthole ls -lR", role: "ours", run: () => piped(ours) },
        { name: "ls -lR on the host", run: () => piped(["ls", "-lR", root]) },
      ],
      { rounds: 5 },
    );
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}
