import { readFileSync, rmSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { witness } from "../helpers/compatibility.ts";
import { ended, engine, image, newVolume } from "../helpers/engine.ts";
import { ORDINARY_USER, rootlessUid } from "../helpers/machine.ts";
import { user } from "../helpers/porthole.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { agentImages, keptFiles, listedAgents, sidecarsOf } from "./agents.ts";
import { sealed, sealedFiles, testSealed } from "./sealed.ts";

/** Returns the runtime directory of the engine's user, with the socket at its default path. */
function runtimeOf(socket: string): string {
  return socket.replace(/\/(podman\/podman|docker)\.sock$/, "");
}

function tests(name: "rootlessDocker" | "rootlessPodman"): void {
  const file = "/data/greeting";

  describe.each(["direct", "mount", "sidecar"])("read by its own user over route %s", (route) => {
    const scene = testSealed(name, route, () => rootlessUid() ?? 0);

    test("can be removed without force, and the agent ends with it", async () => {
      const { someone: owner, target } = scene();
      await target.handle.stop({ t: 5 });
      await target.handle.remove();
      await waitFor("the agent to end", async () => (await listedAgents(owner)).length === 0);
      await waitFor("the sidecar to be removed", async () => (await sidecarsOf(engine(name), target)).length === 0);
    });
  });

  test.each(["its own user", "root"])(
    "a stopped target is read from its layers by %s, as the engine's user sees it",
    async (who) => {
      const on = engine(name);
      const by = user({ uid: who === "root" ? 0 : (rootlessUid() ?? 0), engine: on });
      const files = [
        ...["bin", "d", "private"].map((entry) => ({ name: entry, type: "directory" as const })),
        { name: "bin/busybox", content: readFileSync("/bin/busybox"), mode: 0o755 },
        { name: "d/below", content: "below\n" },
        { name: "private/f", content: "of uid 1000\n", mode: 0o600, uid: 1000 },
      ];
      const tag = await image(on, files);
      const volume = await newVolume(on);
      // A directory that is removed and created again is opaque. In a user namespace, overlayfs
      // stores that in a different attribute.
      const script = "echo own > /own; rm -r /d; mkdir /d; echo new > /d/new; echo v > /data/f";
      const { id } = await ended(on, { image: tag, script, host: { Binds: [`${volume}:/data`] } });
      const read = async (command: string, target: string) => {
        const result = await by.run([command, ...(command === "cat" ? ["--trace"] : []), target]);
        if (command === "cat" && result.code === 0) expect(result.stderr).toContain("route direct, ");
        return result.text;
      };
      expect(await read("cat", `${id}:/own`)).toBe("own\n");
      expect(await read("cat", `${id}:/private/f`)).toBe("of uid 1000\n");
      expect(await read("cat", `${id}:/data/f`)).toBe("v\n");
      expect(await read("ls", `${id}:/d`)).toBe("new\n");
      expect(await read("cat", `image:${tag}:/private/f`)).toBe("of uid 1000\n");
      expect(await read("ls", `image:${tag}:/d`)).toBe("below\n");
      expect(await read("cat", `volume:${volume}:/f`)).toBe("v\n");
      const tree = await by.run(["with", `${id}:/d`, "--", "ls", "{}"]);
      expect(tree).toMatchObject({ code: 0, stderr: "", text: "new\n" });
    },
  );

  test("is found at its default socket with the runtime directory alone", async (context) => {
    const owner = user({ uid: rootlessUid() ?? 0, engine: engine(name) });
    const target = await sealed(engine(name));
    const result = await witness(context, {
      section: "Engines",
      situation: "the user's own, at its usual socket below XDG_RUNTIME_DIR",
      on: engine(name),
      by: owner,
      args: ["cat", "--trace", `${target.name}:${file}`],
      names: { [target.name]: "web" },
      options: { env: { DOCKER_HOST: undefined, XDG_RUNTIME_DIR: runtimeOf(engine(name).socket) } },
    });
    expect(result).toMatchObject({ code: 0, text: sealedFiles[file] });
  });

  test("is refused to another user, who sees none of its files", async (context) => {
    const other = user({ uid: ORDINARY_USER, engine: engine(name) });
    const target = await sealed(engine(name));
    const result = await witness(context, {
      section: "Host users",
      situation: "another ordinary user",
      on: engine(name),
      by: other,
      args: ["cat", `${target.name}:${file}`],
      names: { [target.name]: "web" },
    });
    expect(result).toMatchObject({ code: 3, text: "" });
    expect(result.stderr).toMatch(/^porthole: cannot connect to .*: permission denied \(.*\)\n$/);
    const byPid = await other.run(["cat", `pid:${target.pid}:${file}`]);
    expect(byPid).toMatchObject({ code: 4, text: "" });
  });

  test("detach --all removes every sidecar, image, socket and record, even if the run directory is gone", async () => {
    const owner = user({ uid: rootlessUid() ?? 0, engine: engine(name) });
    const target = await sealed(engine(name));
    await owner.run(["cat", "--route", "sidecar", `${target.name}:${file}`]);
    expect(await sidecarsOf(engine(name), target)).toHaveLength(1);
    rmSync(`${owner.directory}/state/porthole`, { recursive: true });
    expect(await owner.run(["detach", "--all"])).toMatchObject({ code: 0, stderr: "" });
    expect(await sidecarsOf(engine(name), target)).toEqual([]);
    expect(keptFiles(owner)).toEqual([]);
    expect(await agentImages(engine(name))).toEqual([]);
  });

  test("root enters that user's namespaces by the direct route", async (context) => {
    const root = user({ engine: engine(name) });
    const target = await sealed(engine(name));
    const result = await witness(context, {
      section: "Host users",
      situation: "root",
      on: engine(name),
      by: root,
      args: ["cat", "--trace", `${target.name}:/data/secret`],
      names: { [target.name]: "web" },
    });
    expect(result).toMatchObject({ code: 0, text: sealedFiles["/data/secret"] });
    expect(result.stderr).toContain("route direct, new agent");
  });
}

describeWith("rootlessPodman", "rootless Podman", () => tests("rootlessPodman"));
describeWith("rootlessDocker", "rootless Docker", () => tests("rootlessDocker"));
