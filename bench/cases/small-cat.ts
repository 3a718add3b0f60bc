import type { Case } from "../case.ts";
import { compare, type Result, timeCommand } from "../measure.ts";
import { run, type Stage } from "../stage.ts";

export const smallCat: Case = {
  title: "porthole cat of a small file through a live agent, the name resolved",
  goals: [
    { text: "<= 1.35x node -e 0", result: "porthole cat", of: "ratio", atMost: 1.35 },
    { text: "<= 1x docker exec cat", result: "porthole cat", of: "median", over: "docker exec cat", atMost: 1 },
    { text: "<= 1.2x node -e 0", result: "porthole --version", of: "ratio", atMost: 1.2 },
  ],
  run: readSmallFile,
};

async function readSmallFile(stage: Stage): Promise<Result[]> {
  const { env, porthole, container } = stage;
  const target = `${container.name}:/etc/hostname`;
  const podman = await stage.podman();
  run("node", [porthole, "cat", "--idle", "3600", target], env);
  stage.profile("porthole cat", [porthole, "cat", target]);
  stage.profile("porthole --version", [porthole, "--version"]);
  return compare(
    [
      { name: "node -e 0", run: () => timeCommand("node", ["-e", "0"], env) },
      { name: "porthole cat", role: "ours", run: () => timeCommand("node", [porthole, "cat", target], env) },
      { name: "porthole --version", role: "ours", run: () => timeCommand("node", [porthole, "--version"], env) },
      {
        name: "nsenter cat, as root",
        run: () =>
          timeCommand("nsenter", ["-t", String(container.pid), "-m", "-r", "/busybox", "cat", "/etc/hostname"], env),
      },
      {
        name: "docker exec cat",
        run: () => timeCommand("docker", ["exec", container.name, "/busybox", "cat", "/etc/hostname"], env),
      },
      { name: "docker cp", run: () => timeCommand("docker", ["cp", target, "-"], env) },
      ...(podman
        ? [
            {
              name: "podman cp",
              run: () => timeCommand("podman", [...podman.command.slice(1), "cp", `${podman.name}:/busybox`, "-"], env),
            },
          ]
        : []),
    ],
    { rounds: 21 },
  );
}
