import type Docker from "dockerode";
import { type Container, type ContainerOptions, container, type Engine, image } from "../helpers/engine.ts";

/** Contents of the files of {@link sealed}, by path. */
export const sealedFiles = {
  "/data/greeting": "hello from inside\n",
  "/data/secret": "for root only\n",
  "/tmp/note": "kept in memory\n",
} as const;

/**
 * Starts a container with as few rights as possible: FROM scratch, read-only, not root, no
 * capability, no network. It has a file, a file of root with mode 0600, a file in a tmpfs, and
 * links that point out of it.
 */
export async function sealed(
  on: Engine,
  options: ContainerOptions & { host?: Docker.HostConfig } = {},
): Promise<Container> {
  return container(on, {
    image: await image(on, [
      { name: "data", type: "directory" },
      { name: "data/greeting", content: sealedFiles["/data/greeting"] },
      { name: "data/secret", content: sealedFiles["/data/secret"], mode: 0o600 },
      { name: "data/absolute", type: "symlink", target: "/data/greeting" },
      { name: "data/climbing", type: "symlink", target: "../../../../../../data/greeting" },
      { name: "data/outside", type: "symlink", target: "/proc/1/root/data/greeting" },
      { name: "data/with space\nand newline", content: "odd name\n" },
      { name: Buffer.from("data/\xff\xfe", "latin1"), content: "not UTF-8\n" },
    ]),
    steps: ["write", "/tmp/note", "kept in memory"],
    user: "1000",
    ...options,
    host: { ReadonlyRootfs: true, CapDrop: ["ALL"], Tmpfs: { "/tmp": "mode=1777" }, ...options.host },
  });
}
