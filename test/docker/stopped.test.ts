import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import type Docker from "dockerode";
import { beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { connect } from "../../src/sessions/index.ts";
import { describeWith, describeWithPodman } from "../helpers/availability.ts";
import {
  busyboxImage,
  type CreatedContainer,
  container,
  created,
  type Engine,
  ended,
  engine,
  enginesUnderTest,
  image,
  newVolume,
  uniqueName,
} from "../helpers/engine.ts";
import { following } from "../helpers/following.ts";
import { ORDINARY_USER } from "../helpers/machine.ts";
import { jsonLines, type User, user } from "../helpers/porthole.ts";
import { isRunning } from "../helpers/processes.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { expectRead, listedAgents, sidecarsOf } from "./agents.ts";

/**
 * The container changes, adds and deletes files, writes to its volume and to memory, and then ends.
 */
const script = [
  "echo own > /own; echo changed > /tmp/kept; mkdir /added; echo new > /added/file",
  "echo volume > /data/file; echo memory > /memory/file",
  "mkdir -p /var; ln -s /own /link; mkfifo /fifo; echo secret > /secret; chmod 600 /secret; chown 1000 /secret; mknod /null c 1 3",
].join("; ");

/**
 * Makes a container that has ended or was only created, with a volume, a bind mount and a tmpfs.
 */
async function stopped(
  on: Engine,
  { started = true, source = "" }: { started?: boolean; source?: string } = {},
): Promise<CreatedContainer & { volume: string }> {
  const volume = await newVolume(on);
  const host = {
    // Podman 5 gives no container this capability by default.
    CapAdd: ["MKNOD"],
    Binds: [`${volume}:/data`, ...(source === "" ? [] : [`${source}:/deep/bind`])],
    Tmpfs: { "/memory": "" },
  };
  return { volume, ...(await (started ? ended : created)(on, { script, host })) };
}

/** Returns the processes of this user's agents, as their records name them. */
function agentProcesses(by: User): number[] {
  const directory = `${by.directory}/state/porthole/agents`;
  const records = readdirSync(directory).filter((name) => name.endsWith(".json"));
  return records.map(
    (name) => (JSON.parse(readFileSync(`${directory}/${name}`, "utf8")) as { agentPid: number }).agentPid,
  );
}

describeWith(["root", "docker", "podman"], "what does not run, read by root directly", () => {
  describe.each(enginesUnderTest())("a container of %s that has ended", (name) => {
    let by: User;
    let target: Awaited<ReturnType<typeof stopped>>;

    beforeAll(async () => {
      by = user({ engine: engine(name) });
      writeFileSync(`${by.directory}/outside`, "outside\n");
      target = await stopped(engine(name), { source: by.directory });
    });

    const at = (path: string) => `${target.name}:${path}`;

    test("is read from its layers and volumes, over route direct", async () => {
      await expectRead(by, at("/own"), "own\n", "direct, new agent");
      const again = await by.run(["cat", "--trace", at("/own")]);
      // Podman does not report copies into a container, so each command makes a new view of the
      // layers.
      expect(again.stderr).toContain(`route direct, ${engine(name).isPodman ? "new" : "live"} agent`);
    });

    test.each([
      ["a file it changed", ["cat", "/tmp/kept"], "changed\n"],
      ["a file of its image", ["head", "-c4", "/bin/busybox"], "\x7fELF"],
      ["a file of its volume", ["cat", "/data/file"], "volume\n"],
      ["a bind mount", ["cat", "/deep/bind/outside"], "outside\n"],
      ["a link", ["cat", "/link"], "own\n"],
      ["another user's file with mode 0600", ["cat", "/secret"], "secret\n"],
      ["a line from the end", ["tail", "-n1", "/added/file"], "new\n"],
      ["a match", ["grep", "-h", "ow", "/own"], "own\n"],
    ])("%s", async (_, [command = "", ...rest], text) => {
      const path = rest.pop() ?? "";
      expect(await by.run([command, ...rest, at(path)])).toMatchObject({ code: 0, stderr: "", text });
    });

    test("is read by ls, find, stat, hexdump and with", async () => {
      expect((await by.run(["ls", at("/added")])).text).toBe("file\n");
      expect((await by.run(["find", at("/added")])).text).toBe(`${at("/added")}\n${at("/added/file")}\n`);
      expect((await by.run(["stat", at("/data/file")])).text).toContain(`volume ${target.volume}`);
      expect((await by.run(["hexdump", at("/own")])).text).toContain("6f 77 6e 0a");
      expect(await by.run(["with", at("/own"), "--", "cat", "{}"])).toMatchObject({ code: 0, text: "own\n" });
    });

    test("is read-only, and so is its volume", async () => {
      vi.stubEnv("XDG_STATE_HOME", by.env.XDG_STATE_HOME);
      await using session = await connect(target.name, { engine: engine(name).socket });
      vi.unstubAllEnvs();
      for (const path of ["/own", "/data/file", "/deep/bind/outside", "/bin/busybox"])
        await expect(session.open(path, { write: true })).rejects.toMatchObject({ code: "FILE", errno: "EROFS" });
    });

    test("refuses device files of its layers", async () => {
      expect(await by.run(["cat", at("/null")])).toMatchObject({
        code: 1,
        stderr: `porthole: cannot open ${at("/null")}: Permission denied\n`,
      });
    });

    test("is reported to have lost its files in memory", async () => {
      expect(await by.run(["cat", at("/memory/file")])).toMatchObject({
        code: 1,
        stderr: `porthole: cannot open ${at("/memory/file")}: No such file or directory (/memory was in memory, so its contents are gone)\n`,
      });
      const listed = await by.run(["ls", at("/proc")]);
      expect(listed.stderr).toBe(`porthole: ${at("/proc")}: /proc was in memory, so its contents are gone\n`);
    });

    test("is reported by ps to have no processes", async () => {
      expect(await by.run(["ps", target.name])).toMatchObject({
        code: 3,
        text: "",
        stderr: `porthole: '${target.name}' has no processes: the container is not running\n`,
      });
    });

    test("refuses the mount route in one line", async () => {
      const result = await by.run(["cat", "--route", "mount", at("/own")]);
      expect(result).toMatchObject({ code: 4, text: "" });
      expect(result.stderr).toBe(
        `porthole: route mount needs a running container: '${target.name}' is not running (leave out --route mount)\n`,
      );
    });

    test("has no route mount that doctor would warn of, and shell names what works", async () => {
      const { text } = await by.run(["doctor", target.name]);
      expect(text).toContain("ok    route mount: only for running containers, and not needed: another route works\n");
      const { code, stderr } = await by.run(["shell", target.name, "--", "true"]);
      expect([code, stderr]).toEqual([
        125,
        expect.stringContaining(`(porthole shell --in files ${target.name} gives access to its files; or run `),
      ]);
    });

    test("adds no mount to the host, and no file remains when the agent is killed", async () => {
      await by.run(["cat", at("/own")]);
      const agent = agentProcesses(by).find(isRunning) ?? 0;
      expect(agent).toBeGreaterThan(0);
      expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toMatch(/lowerdir=\d/);
      const points = readFileSync(`/proc/${agent}/mountinfo`, "utf8")
        .split("\n")
        .map((line) => line.split(" ")[4] ?? "");
      expect(points.filter((point) => point !== "" && !/^\/(proc|dev|sys)?(\/|$)/.test(point))).toEqual([]);
      process.kill(agent, "SIGKILL");
      await waitFor("the agent to end", () => !isRunning(agent));
      expect(await by.run(["cat", at("/own")])).toMatchObject({ code: 0, text: "own\n" });
    });

    test("shows a file that the engine copies into it to the next command", async () => {
      expect((await by.run(["cat", at("/tmp/copied")])).code).toBe(1);
      const path = `${by.directory}/copied`;
      writeFileSync(path, "copied\n");
      const copy = spawnSync("tar", ["-C", by.directory, "-c", "copied"]);
      await target.handle.putArchive(copy.stdout, { path: "/tmp" });
      await waitFor("the copied file", async () => (await by.run(["cat", at("/tmp/copied")])).text === "copied\n");
    });

    test("has an agent that detach ends", async () => {
      await by.run(["cat", at("/own")]);
      const result = await by.run(["detach", target.name]);
      expect(result.code).toBe(!engine(name).isPodman || result.stderr === "" ? 0 : 3);
      await waitFor("the agent to end", async () => (await listedAgents(by)).length === 0);
    });
  });

  test.each(enginesUnderTest())("a container of %s that was never started", async (name) => {
    const by = user({ engine: engine(name) });
    writeFileSync(`${by.directory}/outside`, "outside\n");
    const target = await stopped(engine(name), { started: false, source: by.directory });
    expect(await by.run(["cat", `${target.name}:/deep/bind/outside`])).toMatchObject({ code: 0, text: "outside\n" });
    expect((await by.run(["ls", `${target.name}:/bin`])).text).toBe("busybox\nsh\n");
  });

  test.each(enginesUnderTest())(
    "a container of %s is started and removed while it is read: open files stay readable",
    async (name) => {
      const by = user({ engine: engine(name) });
      const target = await stopped(engine(name));
      vi.stubEnv("XDG_STATE_HOME", by.env.XDG_STATE_HOME);
      const session = await connect(target.name, { engine: engine(name).socket });
      vi.unstubAllEnvs();
      const file = await session.open("/own");
      expect([session.offline, session.route]).toEqual(["stopped", "direct"]);
      await target.handle.start();
      await waitFor("the agent to end", () => session.ended !== undefined);
      const buffer = new Uint8Array(16);
      expect(Buffer.from(buffer.subarray(0, file.read(buffer, 0))).toString()).toBe("own\n");
      await target.handle.wait();
      const after = await by.run(["cat", `${target.name}:/own`]);
      expect(after).toMatchObject({ code: 0, text: "own\n" });
      await target.remove();
      expect(Buffer.from(buffer.subarray(0, file.read(buffer, 0))).toString()).toBe("own\n");
      file.close();
      session.close();
      await waitFor("the second agent to end", async () => (await listedAgents(by)).length === 0);
    },
  );

  test.each(enginesUnderTest())("tail -F on %s continues in the container when it starts", async (name) => {
    const on = engine(name);
    const by = user({ engine: on });
    const { handle } = await container(on, { script: "echo line >> /log; exec sleep 600" });
    await waitFor("its first line", async () => (await by.run(["cat", `${handle.id}:/log`])).text === "line\n");
    await handle.kill();
    await handle.wait();
    const tail = following(by, ["-F", "-n", "+1", `${handle.id}:/log`]);
    await tail.shows("line\n");
    await handle.start();
    await tail.shows("line\nline\n");
    await tail.says(`tail: ${handle.id}: the container was started; continuing`);
  });

  test.each(enginesUnderTest())(
    "a link in the place of a volume does not lead out of the layers (%s)",
    async (name) => {
      const on = engine(name);
      const by = user({ engine: on });
      const target = await stopped(on);
      const planted = await image(on, [
        { name: "etc", type: "directory" },
        { name: "planted", type: "symlink", target: "/../../../etc" },
      ]);
      const handle = await created(on, { image: planted, host: { Binds: [`${target.volume}:/planted`] } });
      const listed = await by.run(["ls", `${handle.id}:/planted/`]);
      expect(listed.text).not.toContain("passwd");
      expect(await by.run(["cat", `${handle.id}:/planted/file`])).toMatchObject({ code: 0, text: "volume\n" });
      expect(readdirSync("/etc")).not.toContain("file");
    },
  );

  test.each(enginesUnderTest())("an image and a volume of %s", async (name) => {
    const on = engine(name);
    const by = user({ engine: on });
    const target = await stopped(on);
    const tag = await busyboxImage(on);
    await expectRead(by, `volume:${target.volume}:/file`, "volume\n", "direct, new agent");
    expect((await by.run(["ls", `image:${tag}:/`])).text).toBe("bin\ntmp\nworkload\n");
    expect((await by.run(["head", "-c4", `image:${tag}:/bin/sh`])).text).toBe("\x7fELF");
    expect(await by.run(["ps", `image:${tag}`])).toMatchObject({ code: 3, text: "" });
    const agents = await listedAgents(by);
    expect(agents.map((agent) => agent.name).sort()).toEqual([`image:${tag}`, `volume:${target.volume}`].sort());
    expect((await by.run(["detach", `image:${tag}`])).code).toBe(0);
    await target.remove();
    await on.api.getVolume(target.volume).remove();
    const gone = await by.run(["cat", `volume:${target.volume}:/file`]);
    expect(gone.code).toBe(3);
    // Volumes of other tests have similar names.
    const hint = `(name one of them, or )?run ${on.isPodman ? "podman" : "docker"} volume ls to list them`;
    expect(gone.stderr).toMatch(
      new RegExp(`^porthole: no such volume: '${target.volume}'(; similar volumes: .*)? \\(${hint}\\)\n$`),
    );
  });

  test.each(enginesUnderTest())(
    "an image that %s does not have is not pulled; similar tags are suggested",
    async (name) => {
      const on = engine(name);
      const by = user({ engine: on });
      const tag = await busyboxImage(on);
      const [repository] = tag.split(/:(?=[^:]*$)/);
      const near = await by.run(["cat", `image:${tag}0:/bin/sh`]);
      expect(near).toMatchObject({ code: 3, text: "" });
      expect(near.stderr).toMatch(/^porthole: no such image: '\S+'; similar images: \S+/);
      expect(near.stderr).toContain(`similar images: ${tag}`);
      expect((await on.api.listImages()).flatMap(({ RepoTags }) => RepoTags ?? [])).not.toContain(`${repository}:none`);
      const none = await by.run(["cat", "image:example.invalid/nothing/like-it:/x"]);
      expect(none.stderr).toBe(
        `porthole: no such image: 'example.invalid/nothing/like-it' (run ${on.isPodman ? "podman" : "docker"} pull example.invalid/nothing/like-it)\n`,
      );
    },
  );
});

describeWith(["root", "docker", "podman"], "what does not run, read by a user who may use the engine's socket", () => {
  test.each(enginesUnderTest())("a container of %s that has ended, over a sidecar", async (name) => {
    const on = engine(name);
    const by = user({ engine: on, uid: ORDINARY_USER });
    const target = await stopped(on);
    const at = (path: string) => `${target.name}:${path}`;
    await expectRead(by, at("/own"), "own\n", "sidecar, new agent");
    for (const [path, text] of [
      ["/data/file", "volume\n"],
      ["/secret", "secret\n"],
      ["/link", "own\n"],
    ])
      expect(await by.run(["cat", at(path ?? "")])).toMatchObject({ code: 0, stderr: "", text });
    expect(await by.run(["with", at("/own"), "--", "cat", "{}"])).toMatchObject({ code: 0, stderr: "", text: "own\n" });
    expect((await by.run(["cat", at("/memory/file")])).stderr).toContain("/memory was in memory");
    await target.handle.start();
    await waitFor("the agent to end", async () => (await listedAgents(by)).length === 0);
    await target.handle.wait();
    expect(await by.run(["cat", at("/own")])).toMatchObject({ code: 0, text: "own\n" });
    await target.remove();
    await waitFor("the second agent to end", async () => (await listedAgents(by)).length === 0);
    await waitFor("every sidecar to be removed", async () => (await sidecarsOf(on, target)).length === 0);
  });

  test.each(enginesUnderTest())("an image and a volume of %s, over a sidecar", async (name) => {
    const on = engine(name);
    const by = user({ engine: on, uid: ORDINARY_USER });
    const target = await stopped(on);
    const tag = await busyboxImage(on);
    expect(await by.run(["cat", `volume:${target.volume}:/file`])).toMatchObject({ code: 0, text: "volume\n" });
    expect((await by.run(["ls", `image:${tag}:/`])).text).toBe("bin\ntmp\nworkload\n");
    expect((await listedAgents(by)).map(({ route }) => route)).toEqual(["sidecar", "sidecar"]);
  });
});

describeWith(["root", "docker", "podman"], "an agent of a container that has ended", () => {
  const cases = enginesUnderTest().flatMap((name) => [
    { name, route: "direct", uid: 0 },
    { name, route: "sidecar", uid: ORDINARY_USER },
  ]);

  test.each(cases)(
    "does not block the removal of the container and of its volume ($name, route $route)",
    async (one) => {
      const on = engine(one.name);
      const by = user({ engine: on, uid: one.uid });
      const target = await stopped(on);
      const tail = following(by, ["-f", `${target.name}:/own`]);
      await tail.shows("own\n");
      expect((await listedAgents(by)).map(({ route }) => route)).toEqual([one.route]);
      await target.handle.remove();
      await on.api.getVolume(target.volume).remove();
      await tail.stop();
      await waitFor("the agent to end", async () => (await listedAgents(by)).length === 0);
      await waitFor("every sidecar to be removed", async () => (await sidecarsOf(on, target)).length === 0);
    },
  );

  test.each(cases)(
    "has no effect on the next command after kill -9, and no container remains ($name, route $route)",
    async (one) => {
      const on = engine(one.name);
      const by = user({ engine: on, uid: one.uid });
      const target = await stopped(on);
      const env = { PORTHOLE_IDLE: "1" };
      const begun = () => by.start(["tail", "-f", `${target.name}:/own`], { env });
      const beginnings: ((running: ReturnType<typeof begun>) => Promise<unknown>)[] = [
        ({ stdout }) => once(stdout, "data"),
        // The command has created the container, and may have started it.
        async () =>
          one.route === "direct" ||
          waitFor("a sidecar", async () => (await sidecarsOf(on, target)).length > 0, { interval: 2 }),
      ];
      for (const begins of beginnings) {
        const running = begun();
        const awaited = begins(running);
        running.stdout.resume();
        await awaited;
        running.child.kill("SIGKILL");
        await running.ended;
      }
      await waitFor("every sidecar to be removed", async () => (await sidecarsOf(on, target)).length === 0);
      expect(await by.run(["cat", `${target.name}:/own`], { env })).toMatchObject({ code: 0, text: "own\n" });
      // Each check is a connection, which restarts the idle time.
      await waitFor("every agent to end", async () => (await listedAgents(by)).length === 0, { interval: 3000 });
      await waitFor("every sidecar to be removed", async () => (await sidecarsOf(on, target)).length === 0);
      expect(readdirSync(`${by.directory}/state/porthole/agents`)).toEqual([]);
    },
  );
});

describeWith(["root", "docker", "podman"], "the layer that a file is from", () => {
  /**
   * Builds an image of two layers: the second hides and replaces files of the first. Builds also a
   * container that does the same to both.
   */
  async function layered(on: Engine): Promise<{ tag: string; handle: Docker.Container; remove: () => Promise<void> }> {
    const base = await image(on, [
      ...["bin", "a", "b", "c"].map((name) => ({ name, type: "directory" as const })),
      { name: "bin/busybox", content: readFileSync("/bin/busybox"), mode: 0o755 },
      { name: "bin/sh", type: "symlink", target: "busybox" },
      ...["a/file", "b/file", "c/file", "c/gone"].map((name) => ({ name, content: "first\n" })),
    ]);
    const script = "echo second > /b/file; rm /c/gone; mkdir /d; echo second > /d/file; echo second > /d/both";
    const { handle: build } = await ended(on, { image: base, script });
    const tag = `localhost/porthole-test-layers:${uniqueName()}`;
    const [repo = "", label = ""] = tag.split(/:(?=[^:]*$)/);
    await build.commit({ repo, tag: label });
    const target = await container(on, {
      image: tag,
      // A directory that is removed and created again is opaque: it hides the content of the lower
      // layers.
      script: "echo own > /c/gone; rm -r /d; mkdir /d; echo own > /d/file; echo v > /data/file; exec sleep 600",
      host: { Binds: [`${await newVolume(on)}:/data`] },
    });
    const remove = async () => {
      await target.remove();
      await on.api.getImage(tag).remove();
    };
    return { tag, handle: target.handle, remove };
  }

  const layerOf = async (by: User, target: string) => {
    const { layer } = JSON.parse((await by.run(["stat", "--json", target])).text);
    return layer && (layer.kind === "image" ? `${layer.number} of ${layer.count}` : layer.kind);
  };

  test.each(enginesUnderTest())("is shown by stat of a container of %s and of its image", async (name) => {
    const on = engine(name);
    const { tag, handle, remove } = await layered(on);
    const { GraphDriver } = await handle.inspect();
    onTestFinished(() => remove());
    for (const uid of [0, ORDINARY_USER]) {
      const by = user({ engine: on, uid });
      await waitFor("its files", async () => (await by.run(["cat", `${handle.id}:/data/file`])).text === "v\n");
      const running = { "/a/file": "1 of 2", "/b/file": "2 of 2", "/c/file": "1 of 2", "/c/gone": "container" };
      const files = {
        ...running,
        "/d/file": "container",
        "/d": "container",
        "/a": "1 of 2",
        "/data/file": undefined,
      };
      // The origin is unknown over the other routes to a running container, and if inspect shows
      // no directories.
      const isKnown = uid === 0 && GraphDriver?.Data !== null;
      for (const [path, layer] of Object.entries(files))
        expect([path, await layerOf(by, `${handle.id}:${path}`)]).toEqual([path, isKnown ? layer : undefined]);
      await handle.kill();
      await handle.wait();
      for (const [path, layer] of Object.entries(files))
        expect([path, await layerOf(by, `${handle.id}:${path}`)]).toEqual([path, layer]);
      const ofImage = { "/a/file": "1 of 2", "/b/file": "2 of 2", "/d/both": "2 of 2", "/bin/sh": "1 of 2" };
      for (const [path, layer] of Object.entries(ofImage))
        expect([path, await layerOf(by, `image:${tag}:${path}`)]).toEqual([path, layer]);
      const { text } = await by.run(["stat", `image:${tag}:/b/file`]);
      const { RootFS } = await on.api.getImage(tag).inspect();
      expect(text).toContain("\nStorage: image layer (");
      expect(text).toContain(`Layer: 2 of 2 of the image (${RootFS.Layers?.[1]?.slice(7, 19)})`);
      expect((await by.run(["stat", `${handle.id}:/d/file`])).text).toContain("\nLayer: the container's own\n");
      await by.run(["detach", "--all"]);
      if (uid === 0) await handle.start();
    }
  });
});

describeWith(["root", "docker", "podman"], "porthole diff", () => {
  test.each(enginesUnderTest())(
    "lists the changes of a container of %s with sizes, running or stopped",
    async (name) => {
      const on = engine(name);
      const by = user({ engine: on });
      const { handle } = await container(on, {
        script: "echo own > /own; rm /workload; echo v > /data/file; exec sleep 600",
        host: { Binds: [`${await newVolume(on)}:/data`] },
      });
      await waitFor("its changes", async () => (await by.run(["cat", `${handle.id}:/data/file`])).text === "v\n");
      for (const state of ["running", "stopped"]) {
        if (state === "stopped") {
          await handle.kill();
          await handle.wait();
        }
        const result = await by.run(["diff", handle.id]);
        expect(result.code).toBe(0);
        expect(result.text).toMatch(/^A +4 \/own$/m);
        expect(result.text).toMatch(/^D +- \/workload$/m);
        expect(result.text).not.toContain("/data");
        expect(result.stderr).toBe("");
        const diff = await by.run(["diff", "--json", handle.id]);
        expect(jsonLines(diff.text)).toContainEqual(
          expect.objectContaining({
            path: "/own",
            target: `${handle.id}:/own`,
            change: "added",
            kind: "file",
            size: 4,
            modified: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/),
          }),
        );
      }
    },
  );

  test("refuses an image, a process and a missing container in one line", async () => {
    const by = user({ engine: engine("docker") });
    expect(await by.run(["diff", "image:x"])).toMatchObject({
      code: 2,
      stderr: "porthole: cannot compare 'image:x': it is not a container (porthole diff CONTAINER)\n",
    });
    expect((await by.run(["diff", "no-such-container"])).code).toBe(3);
  });

  test("completion offers names of images and volumes, and paths inside them", async () => {
    const on = engine("docker");
    const by = user({ engine: on });
    const target = await stopped(on);
    const complete = async (...words: string[]) => (await by.run(["__complete", "zsh", "--", ...words])).text;
    expect(await complete("cat", "volume:")).toContain(`volume:${target.volume}:/`);
    expect(await complete("cat", `volume:${target.volume}:/f`)).toContain(`volume:${target.volume}:/file`);
    expect(await complete("cat", `${target.name}:/ad`)).toContain(`${target.name}:/added/`);
    const tag = await busyboxImage(on);
    expect(await complete("ls", "image:")).toContain(`image:${tag}:/`);
  });
});

describeWithPodman("completion of an image of Podman", () => {
  test("also offers a name of Docker Hub without its registry", async () => {
    const on = engine("podman");
    const by = user({ engine: on });
    const name = uniqueName("hub");
    const hub = on.api.getImage(`docker.io/library/${name}:1`);
    await on.api.getImage(await busyboxImage(on)).tag({ repo: `docker.io/library/${name}`, tag: "1" });
    const complete = async (word: string) => (await by.run(["__complete", "zsh", "--", "cat", word])).text;
    expect(await complete(`image:${name}`)).toBe(`image:${name}:1:/\t\n`);
    expect(await complete(`image:docker.io/library/${name}`)).toBe(`image:docker.io/library/${name}:1:/\t\n`);
    expect((await by.run(["ls", `image:${name}:1:/bin`])).text).toBe("busybox\nsh\n");
    await by.run(["detach", "--all"]);
    await hub.remove();
  });
});
