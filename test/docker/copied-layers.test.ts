import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { expect, inject, test } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { type Daemon, startDocker, startPodman } from "../helpers/daemons.ts";
import { type Engine, engineAt, firstProcess, image, uniqueName } from "../helpers/engine.ts";
import { MKFS_BTRFS, ORDINARY_USER } from "../helpers/machine.ts";
import { user } from "../helpers/porthole.ts";
import { workloadReady } from "../helpers/processes.ts";
import { expectRead } from "./agents.ts";

/**
 * Makes a stopped container with a file of its image, a file in its own layer, and a file in a
 * volume.
 */
async function ended(on: Engine): Promise<{ name: string; tag: string; volume: string }> {
  const [name, volume] = [uniqueName("copied"), uniqueName("volume")];
  const tag = await image(on, [
    { name: "etc", type: "directory" },
    { name: "etc/kept", content: "of the image\n", mode: 0o600, uid: 1000 },
  ]);
  await on.api.createVolume({ Name: volume });
  const handle = await on.api.createContainer({
    name,
    Image: tag,
    Cmd: ["/workload", "dir", "/d", "write", "/d/own", "own", "write", "/data/f", "in the volume"],
    HostConfig: { NetworkMode: "none", Binds: [`${volume}:/data`] },
  });
  await handle.start();
  await workloadReady(await firstProcess(handle));
  await handle.kill();
  await handle.wait();
  return { name, tag, volume };
}

/** Reads the same files over both routes. Neither route creates a container except the agent's. */
async function reads(on: Engine, how: { uid: number; route: string }): Promise<void> {
  const by = user({ engine: on, uid: how.uid });
  try {
    const { name, tag } = await ended(on);
    for (const [target, text] of [
      [`${name}:/d/own`, "own\n"],
      [`${name}:/etc/kept`, "of the image\n"],
      [`${name}:/data/f`, "in the volume\n"],
      [`image:${tag}:/etc/kept`, "of the image\n"],
    ]) {
      await expectRead(by, target ?? "", text ?? "", `${how.route}, `);
    }
    const missing = await by.run(["cat", `image:${tag}:/d/own`]);
    expect(missing).toMatchObject({ code: 1, text: "" });
  } finally {
    await by.close();
  }
}

const ways = [
  { uid: 0, route: "direct" },
  { uid: ORDINARY_USER, route: "sidecar" },
];

function storeTests(start: (directory: string) => Promise<Daemon>, name: "docker" | "podman"): void {
  test.each(ways)("a stopped container and its image are read over route $route", async (how) => {
    const daemon = await start(`${inject("machine").directory}/${uniqueName("copies")}`);
    try {
      await reads(engineAt(name, daemon.socket), how);
    } finally {
      await daemon.stop();
    }
  });
}

describeWith(["root", "docker"], "Docker's storage driver vfs", () =>
  storeTests((directory) => startDocker(directory, { storage: "vfs" }), "docker"),
);

/** Starts an engine in its own file system, which is unmounted when the engine is stopped. */
async function onBtrfs(directory: string, start: (directory: string) => Promise<Daemon>): Promise<Daemon> {
  const image = `${directory}.image`;
  writeFileSync(image, "");
  truncateSync(image, 1024 ** 3);
  mkdirSync(directory);
  execFileSync(MKFS_BTRFS, ["--quiet", image]);
  execFileSync("mount", ["-o", "loop", image, directory]);
  const unmount = () => {
    execFileSync("umount", ["--lazy", directory]);
    rmSync(directory, { recursive: true });
    rmSync(image);
  };
  try {
    const daemon = await start(`${directory}/engine`);
    return { ...daemon, stop: () => daemon.stop().finally(unmount) };
  } catch (error) {
    unmount();
    throw error;
  }
}

describeWith(["root", "docker", "btrfs"], "Docker's storage driver btrfs", () =>
  storeTests((directory) => onBtrfs(directory, (place) => startDocker(place, { storage: "btrfs" })), "docker"),
);

describeWith(["root", "docker", "currentEngines", "btrfs"], "the storage driver btrfs of today's Docker", () => {
  const programs = process.env.PORTHOLE_CURRENT_ENGINES;
  storeTests(
    (directory) => onBtrfs(directory, (place) => startDocker(place, { storage: "btrfs", programs })),
    "docker",
  );
});

describeWith(["root", "podman"], "Podman's storage driver vfs", () =>
  storeTests((directory) => startPodman(directory, { storage: "vfs" }), "podman"),
);

describeWith(["root", "docker", "currentEngines"], "containerd's snapshotter native", () =>
  storeTests(
    (directory) => startDocker(directory, { storage: "native", programs: process.env.PORTHOLE_CURRENT_ENGINES }),
    "docker",
  ),
);
