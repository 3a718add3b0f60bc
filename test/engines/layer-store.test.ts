import { describe, expect, test } from "vitest";
import type { EngineInfo } from "../../src/engines/api/engine-info.ts";
import { type LayerKey, locateLayers, snapshotChain } from "../../src/engines/layers/layer-store.ts";
import { type Content, database } from "./bolt.ts";

const id = "5".repeat(64);
const chain = "sha256:738c14679bcadee2f2111a831d75075bbcd0c448a77cb8a9f011f7883cdaa115";

/**
 * Builds a snapshotter's metadata in the format of containerd 2, with `others` snapshots of other
 * containers.
 */
function metadata(others: number, namespace = "moby"): Buffer {
  const snapshot = (number: number, parent = ""): Content => ({
    id: varint(number),
    kind: Buffer.from([2]),
    ...(parent === "" ? {} : { parent: Buffer.from(parent) }),
  });
  const snapshots: Content = {
    [`${namespace}/2/${chain}`]: snapshot(1),
    [`${namespace}/4/${id}-init`]: snapshot(200, `${namespace}/2/${chain}`),
    [`${namespace}/5/${id}`]: snapshot(70_000, `${namespace}/4/${id}-init`),
    // The same key in the namespace of another user of this containerd.
    [`k8s.io/1/${id}`]: snapshot(9),
  };
  for (let index = 0; index < others; index++) snapshots[`moby/${10 + index}/other-${index}`] = snapshot(1000 + index);
  return database({ v1: { parents: {}, snapshots } });
}

function varint(number: number): Buffer {
  const bytes = [];
  for (let rest = number; ; rest >>>= 7) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest & 127) | 128);
  }
}

const info: EngineInfo = {
  ...{ version: "28.5.2", kernelVersion: "", operatingSystem: "", securityOptions: [] },
  ...{ rootDirectory: "/data", containerdAddress: "/data/containerd.sock", isSnapshotter: true },
};
const key: LayerKey = { driver: "overlayfs", isPodman: false, isContainer: true, id, diffIds: [] };

describe("the layers of a container in containerd's store", () => {
  test.each([0, 3, 200])("are its snapshot and the snapshots below it, among %i others", (others) => {
    expect(snapshotChain(metadata(others), id)?.map((snapshot) => snapshot.id)).toEqual([70_000n, 200n, 1n]);
    expect(snapshotChain(metadata(others), "6".repeat(64))).toBeUndefined();
  });

  test("are found under --userns-remap, and not in another client's namespace", () => {
    expect(snapshotChain(metadata(3, "moby-1000000.1000000"), id)?.map((snapshot) => snapshot.id)).toEqual([
      ...[70_000n, 200n, 1n],
    ]);
    expect(snapshotChain(metadata(3, "moby-other"), id)).toBeUndefined();
  });

  test("are directories of the snapshotter, of Docker's own containerd or the system's", async () => {
    const asked: string[] = [];
    const found = await locateLayers(key, info, async (path) => {
      asked.push(path);
      return path.startsWith("/var/lib/containerd/") ? metadata(3) : undefined;
    });
    const directory = "/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs";
    expect(found).toEqual([
      { path: `${directory}/snapshots/70000/fs`, isInit: false },
      { path: `${directory}/snapshots/200/fs`, isInit: true },
      { path: `${directory}/snapshots/1/fs`, isInit: false },
    ]);
    expect(asked).toEqual([
      "/data/containerd/daemon/io.containerd.snapshotter.v1.overlayfs/metadata.db",
      `${directory}/metadata.db`,
    ]);
  });

  test("are found when the file was written to while it was read", async () => {
    const whole = metadata(40);
    const torn = Buffer.from(whole);
    torn.fill(0xff, 2 * 4096);
    let reads = 0;
    const found = await locateLayers(key, info, async () => {
      reads += 1;
      return reads === 1 ? torn : whole;
    });
    expect([reads, found?.length]).toEqual([2, 3]);
    await expect(locateLayers(key, info, async () => torn)).rejects.toMatchObject({ code: "TARGET" });
  });

  test("are not searched if the snapshotter has no directories", async () => {
    const read = async () => {
      throw new Error("nothing is to be read");
    };
    for (const driver of ["stargz", "zfs", "btrfs", ""])
      expect(await locateLayers({ ...key, driver }, info, read)).toBeUndefined();
  });

  test("are refused in one line if the file is truncated, damaged or of another format", () => {
    const whole = metadata(40);
    const outcome = (bytes: Buffer) => {
      try {
        return snapshotChain(bytes, id) === undefined ? "none" : "found";
      } catch (error) {
        return (error as { code?: string }).code ?? String(error);
      }
    };
    expect(outcome(Buffer.from("SQLite format 3"))).toBe("TARGET");
    for (let length = 0; length < whole.length; length += 97)
      expect(["TARGET", "none", "found"]).toContain(outcome(whole.subarray(0, length)));
    for (let at = 0; at < whole.length; at += 13) {
      const damaged = Buffer.from(whole);
      damaged[at] = 0xff ^ (damaged[at] ?? 0);
      expect(["TARGET", "none", "found"]).toContain(outcome(damaged));
    }
  });
});
