import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync, writeFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import {
  type CreatedContainer,
  type Engine,
  ended,
  engine,
  enginesUnderTest,
  newVolume,
  uniqueName,
} from "../helpers/engine.ts";
import { following } from "../helpers/following.ts";
import { ORDINARY_USER } from "../helpers/machine.ts";
import { type User, user } from "../helpers/porthole.ts";
import { silentAboutLayers } from "../helpers/silent-engine.ts";
import { succeeds, waitFor } from "../helpers/wait-for.ts";
import { expectRead } from "./agents.ts";
import { has, startScreen } from "./porthole-screen.ts";

const script = [
  "mkdir -p /d/deep; [ -e /again ] || echo first > /d/log; echo deep > /d/deep/file; echo volume > /data/file",
  "ln -s ../log /d/deep/link; ln -s deep /d/linked; mkfifo /d/fifo; echo memory > /memory/file",
  `mkdir -p /closed/in; echo kept > /closed/in/f; chmod 500 /closed/in; chown -R ${ORDINARY_USER} /closed`,
  'printf bytes > "$(printf "/d/\\377")"; dd if=/dev/zero of=/d/sparse bs=1 count=1 seek=20000000 2>/dev/null',
  "[ -e /again ] && echo second >> /d/log && sleep 1000; touch /again",
].join("; ");

async function stopped(on: Engine): Promise<CreatedContainer> {
  return ended(on, { script, host: { Binds: [`${await newVolume(on)}:/data`], Tmpfs: { "/memory": "" } } });
}

/** Makes a user of an engine that does not report the directories of layers. */
async function without(on: Engine, uid = 0): Promise<User> {
  return user({ engine: await silentAboutLayers(on), uid });
}

describeWith(
  ["root", "docker", "podman"],
  "a container that has ended, whose layers the engine does not report",
  () => {
    describe.each(enginesUnderTest())("of %s", (name) => {
      const on = () => engine(name);
      let target: CreatedContainer;
      const at = (path: string) => `${target.name}:${path}`;

      beforeAll(async () => {
        target = await stopped(on());
      });

      test.each([0, ORDINARY_USER])("is read by copies of the engine, which are marked (uid %i)", async (uid) => {
        const by = await without(on(), uid);
        const result = await by.run(["cat", "--trace", at("/d/log")]);
        expect(result).toMatchObject({ code: 0, text: "first\n" });
        expect(result.stderr).toContain("\nroute copy, ");
        expect(result.stderr).toMatch(
          /\na copy by the engine, because no agent reads it in place: .*direct: .*sidecar: /,
        );
        expect((await by.run(["stat", at("/d/log")])).text).toContain(
          "Storage: unknown: a copy by the engine, because ",
        );
        expect(JSON.parse((await by.run(["stat", "--json", at("/d/log")])).text)).toMatchObject({
          ...{ copied: true, kind: "file", size: 6, mode: "0644" },
        });
        expect((await by.run(["agents", "--json"])).text).toBe("");
        expect(readdirSync(`${by.directory}/state/porthole/agents`)).toEqual([]);
      });

      test("is read through links, by every command that reads", async () => {
        const by = await without(on());
        const reads = async (args: readonly string[]) => {
          const { code, stderr, text } = await by.run(args);
          expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: "" });
          return text;
        };
        const paths = ["/d/log", "/d/deep/link", "/d/linked/link", "/d/linked/../log", "//d/./deep/../deep/link"];
        expect(await reads(["cat", ...paths.map(at), at("/data/file")])).toBe(`${"first\n".repeat(5)}volume\n`);
        expect(await reads(["tail", "-n", "1", at("/d/log")])).toBe("first\n");
        expect(await reads(["grep", "-h", "irs", at("/d/log")])).toBe("first\n");
        expect(await reads(["ls", at("/d")])).toMatch(/^deep\nfifo\nlinked\nlog\nsparse\n/);
        expect(await reads(["ls", at("/d/linked/")])).toBe("file\nlink\n");
        expect(await reads(["find", at("/d/deep")])).toBe(
          `${at("/d/deep")}\n${at("/d/deep/file")}\n${at("/d/deep/link")}\n`,
        );
        expect(await reads(["cat", at("/d/deep/*")])).toBe("deep\nfirst\n");
        expect(await reads(["cp", at("/d/deep"), `${by.directory}/home/copy`])).toBe("");
        expect(readdirSync(`${by.directory}/home/copy`).sort()).toEqual(["file", "link"]);
        expect((await by.run(["cat", at("/d/sparse")])).stdout).toHaveLength(20_000_001);
      });

      test("refuses operations that a copy cannot do, each in one line", async () => {
        const by = await without(on());
        const targets = ["/none", "/memory/file", "/d/fifo", "/d"].map(at);
        const failed = await by.run(["cat", ...targets]);
        expect(failed).toMatchObject({ code: 1, text: "" });
        expect(failed.stderr.split("\n")).toEqual([
          `porthole: cannot open ${at("/none")}: No such file or directory`,
          `porthole: cannot open ${at("/memory/file")}: No such file or directory (/memory was in memory, so its contents are gone)`,
          `porthole: cannot open ${at("/d/fifo")}: the engine does not copy devices and FIFOs`,
          `porthole: cannot read ${at("/d")}: Is a directory`,
          "",
        ]);
        expect((await by.run(["ps", target.name])).stderr).toBe(
          `porthole: '${target.name}' has no processes: the container is not running\n`,
        );
        const direct = await by.run(["cat", "--route", "direct", at("/d/log")]);
        expect(direct).toMatchObject({ code: 4, text: "" });
      });
    });

    test.each(enginesUnderTest())("removes all copies when the command is killed (%s)", async (name) => {
      const target = await stopped(engine(name));
      const by = await without(engine(name));
      const tail = following(by, ["-f", `${target.name}:/d/log`], { TMPDIR: `${by.directory}/home` });
      await tail.shows("first\n");
      expect(readdirSync(`${by.directory}/home`)).toEqual([]);
      tail.running.child.kill("SIGKILL");
      await tail.running.ended;
      expect(readdirSync(`${by.directory}/home`)).toEqual([]);
      // The agent does not hold the container.
      await target.handle.remove();
    });

    test.each([0, ORDINARY_USER])("is a directory of copies for a command, read-only (uid %i)", async (uid) => {
      const target = await stopped(engine("docker"));
      const at = (path: string) => `${target.name}:${path}`;
      const by = await without(engine("docker"), uid);
      const [first, second] = [at("/d/linked"), at("/data")];
      const look = await by.run(["with", first, second, at("/d/log"), "--", "find", first.replace("linked", "deep")]);
      expect(look).toMatchObject({
        code: 0,
        text: `${at("/d/deep")}\n${at("/d/deep/file")}\n${at("/d/deep/link")}\n`,
      });
      expect(look.stderr).toMatch(
        /^porthole: \S+:\/d\/linked, \S+:\/data, \S+:\/d\/log are passed as a copy by the engine: [^\n]+\n$/,
      );
      const paths = await by.run(["with", at("/d/deep"), at("/d/log"), "--", "tail", "-n", "+1", "{1}/file", "{2}"]);
      expect(paths.text).toBe(`==> ${at("/d/deep")}/file <==\ndeep\n\n==> ${at("/d/log")} <==\nfirst\n`);
      const link = await by.run(["with", at("/d/deep"), "--", "cat", "file", "link"]);
      expect(link).toMatchObject({ code: 1, text: "deep\n" });
      expect(link.stderr).toContain("cat: link: Too many levels of symbolic links");
      const write = await by.run(["with", second, "--", "touch", "new"]);
      expect(write.stderr).toContain("Read-only file system");
      expect(await by.run(["with", at("/d"), "--", "cat", "log"])).toMatchObject({
        ...{ code: 0, text: "first\n" },
        stderr: expect.stringMatching(/^porthole: not copied: \S+:\/d\/fifo: a FIFO\n/),
      });
      expect(await by.run(["grep", "-c", "i", at("/d")])).toMatchObject({ text: `${at("/d/log")}:1\n` });
      expect(readdirSync(`${by.directory}/run/porthole/with`)).toEqual([]);
    });

    test.each([0, ORDINARY_USER])("removes all copies when porthole is killed (uid %i)", async (uid) => {
      const target = await stopped(engine("docker"));
      const by = await without(engine("docker"), uid);
      const running = by.start(["with", `${target.name}:/closed`, "--", "sh", "-c", "cat in/f; exec sleep 1000"]);
      const [text] = (await once(running.stdout, "data")) as [Buffer];
      expect(text.toString()).toBe("kept\n");
      const copies = `${by.directory}/run/porthole/with`;
      expect(readdirSync(copies)).not.toEqual([]);
      process.kill(running.pid, "SIGKILL");
      await waitFor("the copies to be removed", () => readdirSync(copies).length === 0);
      expect(await running.ended).toMatchObject({ signal: "SIGKILL" });
      expect((await by.run(["with", `${target.name}:/closed`, "--", "cat", "in/f"])).text).toBe("kept\n");
      expect(readdirSync(copies)).toEqual([]);
    });

    test("is followed from its copy into the running container, each line once", async () => {
      const on = engine("docker");
      const target = await stopped(on);
      const by = await without(on);
      const tail = following(by, ["-F", "-n", "+1", `${target.name}:/d/log`]);
      await tail.shows("first\n");
      await target.handle.start();
      await tail.shows("first\nsecond\n");
      await tail.says(/: the container was started; continuing/);
    });
  },
);

describeWith(["root", "docker", "tmux"], "the screen", () => {
  test("shows the route of a copy next to the list and the file", async () => {
    const target = await stopped(engine("docker"));
    const by = await without(engine("docker"));
    const screen = startScreen(by, ["open", `${target.name}:/d/log`], { size: { columns: 100, rows: 20 } });
    await screen.waitFor("the copied file", has("first", "copy, exited 0, ", ", file"));
  });
});

describeWith(["root", "docker", "podman"], "an image, whose layers the engine does not report", () => {
  test.each(enginesUnderTest())("is read in a container of it that never runs (%s)", async (name) => {
    const on = engine(name);
    const target = await stopped(on);
    const repo = uniqueName("copied-image");
    // Podman commits no health check.
    const check = on.isPodman ? [] : ["HEALTHCHECK CMD /bin/busybox true"];
    const changes = ['ENTRYPOINT ["/bin/busybox","false"]', "VOLUME /d", ...check].join("\n");
    await target.handle.commit({ repo, tag: "1", changes });
    const by = await without(on, ORDINARY_USER);
    await expectRead(by, `image:${repo}:1:/d/log`, "first\n", "sidecar, new agent");
    expect((await by.run(["cat", `image:${repo}:1:/d/none`])).code).toBe(1);
    expect(await by.run(["with", `image:${repo}:1:/d/log`, "--", "cat", "{}"])).toMatchObject({ text: "first\n" });
    // Its listings are empty once the engine has removed the uppermost directory of its container.
    const { Id } = await on.api.getImage(`${repo}:1`).inspect();
    const trees = async () => {
      const all = await on.api.listContainers({ all: true });
      return all.filter(({ ImageID, Names }) => ImageID === Id && Names.some((one) => one.includes("-tree-")));
    };
    const gate = `${by.directory}/home/gate`;
    execFileSync("mkfifo", ["-m", "666", gate]);
    const running = by.start(["with", `image:${repo}:1:/`, "--", "sh", "-c", 'echo ready; cat "$1"; ls', "sh", gate]);
    let text = "";
    running.stdout.on("data", (piece: Buffer) => {
      text += piece.toString();
    });
    await waitFor("the command to run", () => text === "ready\n");
    expect((await trees()).map(({ State }) => State)).toEqual(["running"]);
    writeFileSync(gate, "");
    expect(await running.ended).toMatchObject({ code: 0 });
    expect(text).toMatch(/^ready\nagain\nbin\n/);
    await waitFor("the container of the tree to go", async () => (await trees()).length === 0);
    await by.run(["detach", "--all"]);
    await target.remove();
    // The engine refuses it while a container of the image exists.
    await waitFor("the image to be removed", () => succeeds(on.api.getImage(`${repo}:1`).remove()));
  });
});
