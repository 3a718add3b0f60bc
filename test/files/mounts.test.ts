import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { backingOf, mountOf, parseMounts } from "../../src/files/index.ts";

const table = `655 424 0:52 / / rw,relatime master:201 - overlay overlay rw,lowerdir=/l/A:/l/B,upperdir=/d/up,workdir=/d/work
656 655 0:55 / /proc rw,nosuid,nodev,noexec,relatime - proc proc rw
657 655 0:56 / /dev rw,nosuid - tmpfs tmpfs rw,size=65536k,mode=755
658 657 0:57 / /dev/pts rw shared:3 master:4 propagate_from:2 - devpts devpts rw,gid=5
700 655 254:0 /var/lib/docker/volumes/my-data/_data /data rw,relatime master:1 - ext4 /dev/vda rw,discard
701 655 254:0 /home/u/my\\040app /with\\011tab ro,relatime - ext4 /dev/vda rw
702 655 0:70 / /net rw - nfs4 server:/export rw,vers=4.2
703 655 0:71 / /f rw - fuse.sshfs u@h:/ rw
704 655 8:1 / /mnt rw - xfs /dev/sda1 ro
705 655 8:2 /home/u/.local/share/containers/storage/volumes/pv/_data/sub /pv rw - xfs /dev/sda2 rw
706 655 8:2 /gone//deleted /late rw - xfs /dev/sda2 rw
707 655 0:99 / /none rw -  none rw
something newer
`;

test("parseMounts parses every field, including optional fields and escapes", () => {
  const mounts = parseMounts(table);
  expect(mounts.map(({ id }) => id)).toEqual([655, 656, 657, 658, 700, 701, 702, 703, 704, 705, 706]);
  expect(mounts[5]).toEqual({
    id: 701,
    parent: 655,
    device: { major: 254, minor: 0 },
    root: "/home/u/my app",
    isReplaced: false,
    point: "/with\ttab",
    options: ["ro", "relatime"],
    type: "ext4",
    source: "/dev/vda",
    superOptions: ["rw"],
  });
});

test("backingOf returns the place where a file is stored", () => {
  const backings = parseMounts(table).map((mount) => {
    const { kind, volume, readOnly } = backingOf(mount);
    return `${mount.point}: ${kind}${volume === undefined ? "" : ` ${volume}`}${readOnly ? ", read-only" : ""}`;
  });
  expect(backings).toEqual([
    "/: container layer",
    "/proc: kernel",
    "/dev: memory",
    "/dev/pts: kernel",
    "/data: volume my-data",
    "/with\ttab: bind, read-only",
    "/net: network",
    "/f: network",
    "/mnt: disk, read-only",
    "/pv: volume pv",
    "/late: bind",
  ]);
});

test("backingOf names the layers of an image after the image", () => {
  const kinds = parseMounts(table).map((mount) => backingOf({ ...mount, isOfImage: true }).kind);
  expect(kinds.slice(0, 3)).toEqual(["image layer", "kernel", "memory"]);
});

test("parseMounts parses every line of the local table", () => {
  const text = readFileSync("/proc/self/mountinfo", "utf8");
  const mounts = parseMounts(Buffer.from(text));
  expect(mounts).toHaveLength(text.trimEnd().split("\n").length);
  expect(mountOf(mounts, { mountId: BigInt(mounts[0]?.id ?? 0) })).toBe(mounts[0]);
});
