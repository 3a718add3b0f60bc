import type Docker from "dockerode";
import { expect, inject, test } from "vitest";
import { fakeEngine } from "../engines/fake-engine.ts";
import { describeWith, describeWithDocker } from "../helpers/availability.ts";
import { startDocker } from "../helpers/daemons.ts";
import { container, engine, engineAt, image, uniqueName } from "../helpers/engine.ts";
import { ORDINARY_USER } from "../helpers/machine.ts";
import { mountBinds, user } from "../helpers/porthole.ts";
import { agentImages, expectRead } from "./agents.ts";

const steps = ["dir", "/d", "write", "/d/f", "text"];

describeWithDocker("differences between engines", () => {
  test("the mount route reads a 0600 file of another user in a container without capabilities", async () => {
    const on = engine("docker");
    const by = user({ uid: ORDINARY_USER, engine: on });
    const files = [
      { name: "private", type: "directory" as const },
      { name: "private/f", content: "of uid 1000\n", mode: 0o600, uid: 1000 },
    ];
    const target = await container(on, {
      image: await image(on, files),
      host: { CapDrop: ["ALL"], Binds: await mountBinds(by) },
    });
    const result = await by.run(["cat", "--trace", `${target.name}:/private/f`]);
    expect(result).toMatchObject({ code: 0, text: "of uid 1000\n" });
  });

  test("a sidecar reads the files of a container with --device", async () => {
    const on = engine("docker");
    const by = user({ uid: ORDINARY_USER, engine: on });
    const Devices = [{ PathOnHost: "/dev/null", PathInContainer: "/dev/given", CgroupPermissions: "rwm" }];
    const target = await container(on, { steps, host: { Devices } });
    await expectRead(by, `${target.name}:/d/f`, "text\n", "sidecar, new agent", ["--route", "sidecar"]);
  });

  test("detach --all keeps a container that another user created from the agent's image", async (context) => {
    const on = engine("docker");
    const by = user({ engine: on });
    const target = await container(on, { steps });
    await by.run(["cat", "--route", "sidecar", `${target.name}:/d/f`]);
    const [Image = ""] = await agentImages(on);
    const starting = await on.api.createContainer({ name: uniqueName(), Image, Cmd: ["/porthole-agent"] });
    context.onTestFinished(() => starting.remove({ force: true }).catch(() => undefined));
    expect(await by.run(["detach", "--all"])).toMatchObject({ code: 0, stderr: "" });
    expect((await starting.inspect()).State.Running).toBe(false);
  });

  test("detach --all works while other images are removed repeatedly", async () => {
    const on = engine("docker");
    const by = user({ engine: on });
    let over = false;
    const removing = (async () => {
      for (let count = 0; !over; count++) {
        const reference = await image(on, [{ name: "n", content: `${process.pid} ${count}` }]);
        await on.api.getImage(reference).remove();
      }
    })();
    try {
      for (let times = 0; times < 5; times++)
        expect(await by.run(["detach", "--all"])).toMatchObject({ code: 0, stderr: "" });
    } finally {
      over = true;
      await removing;
    }
  });
});

/**
 * Debian's Docker has no image mounts. Podman makes them inside the container, and no mount table
 * shows them.
 */
const isCurrentDocker = inject("machine").title !== undefined && !inject("machine").isPodman;
if (isCurrentDocker)
  describeWithDocker("an image mount", () => {
    test.each([
      { uid: 0, route: "direct" },
      { uid: ORDINARY_USER, route: "sidecar" },
    ])("is local, so its files are not relayed (route $route)", async ({ uid, route }) => {
      const on = engine("docker");
      const by = user({ uid, engine: on });
      const Source = await image(on, [{ name: "f", content: "of the image\n" }]);
      const mount = { Type: "image", Source, Target: "/image" } as unknown as Docker.MountSettings;
      const target = await container(on, { host: { Mounts: [mount] } });
      const result = await by.run(["cat", "--route", route, `${target.name}:/image/f`]);
      expect(result).toMatchObject({ code: 0, text: "of the image\n", stderr: "" });
    });
  });

describeWith(["root", "docker"], "a container over a lazy snapshotter", () => {
  /**
   * Makes a user of an engine that reports this snapshotter. No package provides such a
   * snapshotter, so only its name is real.
   */
  async function named(driver: string) {
    const on = engine("docker");
    const target = await container(on, { steps });
    const [described, info] = await Promise.all([target.handle.inspect(), on.api.info()]);
    const { socketPath } = await fakeEngine((path) => {
      if (path.endsWith("/info")) return { status: 200, body: info };
      if (![target.name, target.id].some((asked) => path.endsWith(`/containers/${asked}/json`)))
        return { status: 404, body: { message: "no such path" } };
      return { status: 200, body: { ...described, GraphDriver: { Name: driver, Data: null } } };
    });
    const by = user({ engine: { ...on, host: `unix://${socketPath}` } });
    return { by, path: `${target.name}:/d/f`, directory: `${target.name}:/d` };
  }

  test.each(["stargz", "nydus"])("%s is relayed: FUSE may be below the engine's overlay", async (driver) => {
    const { by, path, directory } = await named(driver);
    const result = await by.run(["cat", "--trace", path]);
    expect(result).toMatchObject({ code: 0, text: "text\n" });
    expect(result.stderr).toContain(`${path}: relayed by the agent, because its file system may not answer\n`);
    const tree = await by.run(["with", directory, "--", "ls", "{}"]);
    expect(tree.code).toBe(125);
    expect(tree.stderr).toContain(`the snapshotter ${driver} may serve them with a program that does not answer`);
  });

  test("is not relayed for a driver of local layers", async () => {
    const { by, path } = await named("overlayfs");
    expect((await by.run(["cat", "--trace", path])).stderr).not.toContain("relayed");
  });
});

describeWithDocker("Docker's storage driver vfs", () => {
  test("stores a file of / in the container's layer, and a file of a bind-mounted directory in the bind mount", async (context) => {
    const daemon = await startDocker(`${inject("machine").directory}/${uniqueName("vfs")}`, { storage: "vfs" });
    context.onTestFinished(() => daemon.stop());
    const on = engineAt("docker", daemon.socket);
    const by = user({ engine: on });
    context.onTestFinished(() => by.close());
    const target = await container(on, { steps, host: { Binds: [`${by.directory}/home:/bound`] } });
    context.onTestFinished(() => target.remove());
    const kind = async (path: string) =>
      JSON.parse((await by.run(["stat", "--json", `${target.name}:${path}`])).text).backing.kind;
    expect(await kind("/d/f")).toBe("container layer");
    expect(await kind("/bound")).toBe("bind");
  });
});
