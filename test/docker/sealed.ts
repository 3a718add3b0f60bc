import type Docker from "dockerode";
import { beforeAll, expect, test } from "vitest";
import { witness } from "../helpers/compatibility.ts";
import { type Container, type ContainerOptions, container, type Engine, engine, image } from "../helpers/engine.ts";
import { mountBinds, type User, user } from "../helpers/porthole.ts";
import { expectRead, routesInUse } from "./agents.ts";

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

/**
 * Tests that a sealed container of an engine is read by a user over a forced route. For use in a
 * `describe`.
 *
 * @returns the user and the container, for further tests
 */
export function testSealed(
  name: Engine["name"],
  route: string,
  uid: () => number,
): () => { someone: User; target: Container } {
  const on = engine(name);
  let someone: User;
  let target: Container;

  beforeAll(async () => {
    someone = user({ uid: uid(), engine: on });
    target = await sealed(on, { host: { Binds: route === "mount" ? await mountBinds(someone) : [] } });
  });

  test("uses exactly this route", async (context) => {
    const result = await witness(context, {
      section: "Containers",
      situation: "FROM scratch, read-only, uid 1000, no capability",
      on,
      by: someone,
      args: ["cat", "--trace", "--route", route, `${target.name}:/data/greeting`],
      names: { [target.name]: "web" },
    });
    expect(result).toMatchObject({ code: 0, text: sealedFiles["/data/greeting"] });
    expect(result.stderr).toContain(`route ${route}, new agent`);
    // Containers of the rootless engines have no control groups that name them.
    if (!name.startsWith("rootless")) expect(await routesInUse(on, target)).toEqual([route]);
  });

  test.for(Object.entries(sealedFiles))("gives %s byte for byte, from the running agent", async ([path, content]) => {
    await expectRead(someone, `${target.name}:${path}`, content, `${route}, live agent`, ["--route", route]);
  });

  test("shows the target's first process in /proc/1/status", async () => {
    const result = await someone.run(["cat", "--route", route, `${target.name}:/proc/1/status`]);
    expect(result).toMatchObject({ code: 0, stderr: "" });
    expect(result.text).toMatch(/^Name:\tready\n/);
  });

  return () => ({ someone, target });
}
