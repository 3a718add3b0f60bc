import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { container, type Engine, engine, enginesUnderTest, uniqueName } from "../helpers/engine.ts";
import { builtCommand, repository } from "../helpers/paths.ts";
import { user } from "../helpers/porthole.ts";
import { TmuxScreen } from "../tui/screen.ts";
import { archiveOf, builtFiles, copiedTree, FIND_LIBRARIES, importedImage } from "./built-image.ts";

const { version } = JSON.parse(readFileSync(`${repository}package.json`, "utf8")) as { version: string };

/** Returns the image that `porthole image` writes. */
function written(...args: string[]): Buffer {
  return execFileSync(process.execPath, [builtCommand, "image", ...args], { maxBuffer: 1 << 28 });
}

/**
 * The part of `--privileged` that porthole uses. Debian's Docker cannot start a privileged
 * container if it lacks a capability itself, as in most test sandboxes.
 */
const privileges = {
  CapAdd: ["SYS_ADMIN", "SYS_PTRACE", "SYS_CHROOT", "DAC_READ_SEARCH", "DAC_OVERRIDE"],
  SecurityOpt: ["seccomp=unconfined", "apparmor=unconfined", "label=disable"],
};

/** Runs a container of the image with the options of the manual's command. */
async function runs(on: Engine, name: string, args: string[]): Promise<{ status: number; text: string; said: string }> {
  const socket = on.isPodman ? "/run/podman/podman.sock" : "/run/docker.sock";
  const handle = await on.api.createContainer({
    Image: name,
    Cmd: args,
    HostConfig: { PidMode: "host", ...privileges, NetworkMode: "none", Binds: [`${on.socket}:${socket}`] },
  });
  try {
    await handle.start();
    const { StatusCode } = (await handle.wait()) as { StatusCode: number };
    const output = async (which: "stdout" | "stderr") => {
      const framed = await handle.logs({ stdout: which === "stdout", stderr: which === "stderr" });
      const pieces: Buffer[] = [];
      for (let at = 0; at + 8 <= framed.length; at += 8 + framed.readUInt32BE(at + 4))
        pieces.push(framed.subarray(at + 8, at + 8 + framed.readUInt32BE(at + 4)));
      return Buffer.concat(pieces).toString("utf8");
    };
    return { status: StatusCode, text: await output("stdout"), said: await output("stderr") };
  } finally {
    await handle.remove({ force: true });
  }
}

describe("porthole image", () => {
  test("writes the same bytes twice", () => {
    const hash = () => createHash("sha256").update(written()).digest("hex");
    expect(hash()).toBe(hash());
  });

  test("writes an image whose configuration names the local processor and the layer's hash", () => {
    const archive = written("--tag", "registry.example/team/porthole:1.0");
    const part = (name: string) => execFileSync("tar", ["-xO", name], { input: archive, maxBuffer: 1 << 28 });
    expect(JSON.parse(part("manifest.json").toString())).toEqual([
      { Config: "config.json", RepoTags: ["registry.example/team/porthole:1.0"], Layers: ["layer.tar"] },
    ]);
    const layer = part("layer.tar");
    expect(JSON.parse(part("config.json").toString())).toMatchObject({
      architecture: { x64: "amd64", arm64: "arm64" }[process.arch as "x64"],
      rootfs: { diff_ids: [`sha256:${createHash("sha256").update(layer).digest("hex")}`] },
    });
    const names = execFileSync("tar", ["-t"], { input: layer, encoding: "utf8" }).trim().split("\n");
    expect(new Set(names).size).toBe(names.length);
    expect(names).toContain("porthole/agent/build/porthole-agent");
  });

  test.each([
    [["--tag", "Bad:Name:x"], "--tag"],
    [["--engine", "docker"], "--engine needs --load"],
    [["--load", "--engine", "no-such-context"], "no such docker context: 'no-such-context'"],
    [["--load", "--engine", "/nowhere/docker.sock"], "/nowhere/docker.sock"],
  ])("explains in one line why %j cannot work", async (args, why) => {
    const { code, stderr, text } = await user().run(["image", ...args]);
    expect(text).toBe("");
    expect(stderr).toMatch(/^porthole: [^\n]*\n$/);
    expect(stderr).toContain(why);
    expect(code).toBe(args[0] === "--load" ? 3 : 2);
  });
});

describeWith(["docker", "podman", "root"], "the image", () => {
  describe.each(enginesUnderTest())("in %s", (name) => {
    let on: Engine;
    let loaded: string;
    beforeAll(async () => {
      on = engine(name);
      loaded = `localhost/${uniqueName("porthole-image")}:latest`;
      const result = await user({ engine: on }).run(["image", "--load", "--tag", loaded]);
      expect(result).toMatchObject({ code: 0, text: `${loaded}\n`, stderr: "" });
    });

    test("shows its version", async () => {
      expect(await runs(on, loaded, ["--version"])).toEqual({ status: 0, text: `${version}\n`, said: "" });
    });

    test("lists the processes and reads a file of a container of that engine", async () => {
      const target = await container(on, { steps: ["dir", "/d", "write", "/d/f", "text"] });
      const ps = await runs(on, loaded, ["ps", target.name]);
      expect(ps).toMatchObject({ status: 0, said: "" });
      expect(ps.text).toContain("/workload");
      expect(await runs(on, loaded, ["cat", `${target.name}:/d/f`])).toEqual({ status: 0, text: "text\n", said: "" });
      expect(await runs(on, loaded, ["grep", "ex", `${target.name}:/d/f`])).toMatchObject({
        status: 0,
        text: "text\n",
      });
    });

    test("is the same image when it is loaded through a pipe", async () => {
      const id = (await on.api.getImage(loaded).inspect()).Id;
      const tag = `localhost/${uniqueName("porthole-image")}:latest`;
      const progress = await on.api.loadImage(Readable.from([written("--tag", tag)]), { quiet: true });
      await Readable.from(progress).toArray();
      const again = (await on.api.getImage(tag).inspect()) as { Id: string; RootFS: { Layers: string[] } };
      // A containerd store identifies an image by its manifest, which does not contain the name
      // either.
      expect(again.Id).toBe(id);
      await on.api.getImage(tag).remove();
    });
  });
});

describeWith(["docker", "root", "dockerCommand", "tmux"], "the screen of the image", () => {
  test("shows the containers of the machine by the documented command", async (context) => {
    const on = engine("docker");
    const loaded = `localhost/${uniqueName("porthole-image")}:latest`;
    expect(await user({ engine: on }).run(["image", "--load", "--tag", loaded])).toMatchObject({ code: 0 });
    const target = await container(on);
    const screen = new TmuxScreen();
    context.onTestFinished(() => screen.close());
    const rights = [
      ...privileges.CapAdd.map((name) => `--cap-add ${name}`),
      ...privileges.SecurityOpt.map((option) => `--security-opt ${option}`),
    ].join(" ");
    const options = `--rm -it --pid host ${rights} --network none -v ${on.socket}:/run/docker.sock`;
    screen.run(`docker -H ${on.host} run ${options} ${loaded}`);
    await screen.waitFor("the container in the list", target.name);
    screen.keys("q");
    expect(await screen.waitForEnd()).toBe(0);
  });
});

describeWith(["root", "docker"], "docker/porthole.Dockerfile", () => {
  test("builds the files of porthole image", async () => {
    const { api } = engine("docker");
    const base = await importedImage(api, nodeTree());
    const tree = mkdtempSync(`${inject("machine").directory}/context-`);
    const parts = ["package.json", "dist", "agent/build", "node_modules/@koromix", "node_modules/@vscode"];
    for (const part of [...parts, "docker/porthole.Dockerfile"])
      cpSync(repository + part, `${tree}/${part}`, { recursive: true });
    const options = { version: "2" as const, dockerfile: "docker/porthole.Dockerfile" };
    const built = await builtFiles(api, archiveOf(tree), { ...options, buildargs: { BASE: base, BUILD: "true" } });
    const layer = execFileSync("tar", ["-xO", "layer.tar"], { input: written(), maxBuffer: 1 << 28 });
    // Ignore files that the engine itself adds to every container.
    const ours = (tar: Buffer) =>
      listed(tar).filter((line) => !/ (\.dockerenv|dev|etc|proc|sys|run|var\/run)(\/|$)/.test(line));
    expect(ours(built).filter((line) => line.startsWith("-"))).toEqual(
      ours(layer).filter((line) => line.startsWith("-")),
    );
  });
});

/** Lists the mode, size and path of each member. */
function listed(archive: Buffer): string[] {
  const { stdout } = spawnSync("tar", ["-tv", "--numeric-owner"], { input: archive, encoding: "utf8" });
  return stdout
    .trim()
    .split("\n")
    .map((line) => line.replace(/^(\S+) +(\S+) +(\d+) \S+ \S+ (.*)$/, "$1 $2 $3 $4"))
    .sort();
}

/** Copies the local Node, with the programs that the Dockerfile calls. */
function nodeTree(): string {
  return copiedTree(`
    programs="$(readlink -f "$(command -v node)") $(for name in sh tar mkdir; do command -v $name; done)"
    ${FIND_LIBRARIES}
    for name in bin lib lib64; do
      if [ -L /$name ]; then mkdir -p "$0/usr/$name"; ln -s usr/$name "$0/$name"; fi
    done
    cp -rL --parents $programs $libraries "$0"`);
}
