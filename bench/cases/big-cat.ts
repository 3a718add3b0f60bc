import { rmSync } from "node:fs";
import type { Case } from "../case.ts";
import { compare, type Result, timePiped } from "../measure.ts";
import { run, type Stage } from "../stage.ts";

const MIB = 1024;

export const bigCat: Case = {
  title: "1 GiB from a container into a pipe",
  goals: [{ text: "<= 1.05x cat of a local file + 1.5x node -e 0", result: "porthole cat", of: "ratio", atMost: 1 }],
  run: readGibibyte,
};

async function readGibibyte(stage: Stage): Promise<Result[]> {
  const { env, porthole, container, directory } = stage;
  const local = `${directory}/big`;
  run("dd", ["if=/dev/urandom", `of=${local}`, "bs=1M", `count=${MIB}`], env);
  run("docker", ["exec", container.name, "/busybox", "mkdir", "-p", "/data"], env);
  run("docker", ["cp", local, `${container.name}:/data/big`], env);
  const target = `${container.name}:/data/big`;
  const sums = ["cat", porthole].map((how) =>
    run(
      "sh",
      ["-c", how === "cat" ? `cat ${local} | sha256sum` : `node ${porthole} cat ${target} | sha256sum`],
      env,
    ).trim(),
  );
  if (sums[0] !== sums[1]) throw new Error(`the content differs: ${sums.join(" ")}`);
  const podman = await stage.podman();
  const podmanCp = podman && [...podman.command, "cp", `${podman.name}:/big`, "-"];
  if (podman) run("podman", [...podman.command.slice(1), "cp", local, `${podman.name}:/big`], env);
  const piped = ([command = "", ...args]: string[]) => timePiped(command, args, env);
  try {
    stage.profile("porthole cat", [porthole, "cat", target]);
    return await compare(
      [
        {
          name: "1.05x cat + 1.5x node -e 0",
          run: async () => 1.05 * (await piped(["cat", local])) + 1.5 * (await piped(["node", "-e", "0"])),
        },
        { name: "cat local file", run: () => piped(["cat", local]) },
        { name: "porthole cat", role: "ours", run: () => piped(["node", porthole, "cat", target]) },
        {
          name: "nsenter cat, as root",
          run: () => piped(["nsenter", "-t", String(container.pid), "-m", "-r", "/busybox", "cat", "/data/big"]),
        },
        {
          name: "docker exec cat",
          every: 4,
          run: () => piped(["docker", "exec", container.name, "/busybox", "cat", "/data/big"]),
        },
        { name: "docker cp", every: 4, run: () => piped(["docker", "cp", `${container.name}:/data/big`, "-"]) },
        ...(podmanCp ? [{ name: "podman cp", every: 4, run: () => piped(podmanCp) }] : []),
      ],
      { rounds: 7 },
    );
  } finally {
    for (const path of [local, `${container.root}/data/big`]) rmSync(path, { force: true });
    if (podman) run("podman", [...podman.command.slice(1), "exec", podman.name, "/busybox", "rm", "/big"], env);
  }
}
