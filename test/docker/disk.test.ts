import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, expect, inject, onTestFinished, test } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { busyboxImage, type Container, container, type Engine, engine, newVolume } from "../helpers/engine.ts";
import { engineProxy } from "../helpers/engine-proxy.ts";
import { ORDINARY_USER, rootlessUid } from "../helpers/machine.ts";
import { repository } from "../helpers/paths.ts";
import { jsonLines, type Result, type User, user } from "../helpers/porthole.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { sidecarsOf } from "./agents.ts";

const MIB = 1024 * 1024;

/** The tested fields of a line of `ps --disk`. */
interface Item {
  kind: string;
  size: number | null;
  containers: string[];
  name: string | null;
  path: string | null;
  processes: { pid: number; fd: number | null }[];
}

/**
 * Starts a container with 3 MiB in its layer, 2 MiB in a volume, and deleted files that are open,
 * mapped, in memory.
 */
function fillsTheDisk(on: Engine, data: string): Promise<Container> {
  return container(on, {
    host: { Binds: [`${data}:/data`], Tmpfs: { "/tmp": "mode=1777" } },
    steps: [
      ...["fill", "/kept", "3", "fill", "/data/kept", "2"],
      ...["fill", "/data/gone", "5", "hold", "/data/gone", "hold", "/data/gone", "remove", "/data/gone"],
      ...["fill", "/data/mapped", "4", "map", "/data/mapped", "remove", "/data/mapped"],
      ...["fill", "/tmp/gone", "6", "hold", "/tmp/gone", "remove", "/tmp/gone"],
      ...["fill", "/tmp/mapped", "6", "map", "/tmp/mapped", "remove", "/tmp/mapped"],
    ],
  });
}

function itemsOf({ text }: Result): Item[] {
  return jsonLines(text);
}

function tests(name: Engine["name"], uid: () => number): void {
  let by: User;
  beforeAll(() => {
    by = user({ uid: uid(), engine: engine(name) });
  });

  test("layers, volumes and deleted files on disk are listed once, with the largest first", async () => {
    const on = engine(name);
    const data = await newVolume(on);
    const [web, other] = [await fillsTheDisk(on, data), await container(on, { host: { Binds: [`${data}:/d`] } })];
    // Run this before the volume is removed.
    onTestFinished(async () => void (await Promise.all([web.remove(), other.remove()])));
    const result = await by.run(["ps", "--disk", "--json", web.name, other.name]);
    const items = itemsOf(result);
    const of = (kind: string) => items.filter((item) => item.kind === kind);
    expect(of("layer")).toMatchObject([{ containers: [web.name] }, { containers: [other.name] }]);
    expect(of("layer")[0]?.size).toBeGreaterThanOrEqual(3 * MIB);
    expect(of("layer")[0]?.size).toBeLessThan(4 * MIB);
    expect(of("volume")).toMatchObject([{ name: data, containers: expect.arrayContaining([web.name, other.name]) }]);
    expect(of("volume")[0]?.size).toBeGreaterThanOrEqual(2 * MIB);
    const [pid, fds] = [1, expect.any(Number)];
    expect(of("deleted")).toEqual([
      expect.objectContaining({
        path: "/data/gone",
        size: 5 * MIB,
        processes: [
          { pid, fd: fds },
          { pid, fd: fds },
        ],
      }),
    ]);
    expect(of("mapped")).toEqual([
      expect.objectContaining({ path: "/data/mapped", size: 4 * MIB, processes: [{ pid, fd: null }] }),
    ]);
    const sizes = items.map(({ size }) => size ?? -1);
    expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
    const table = await by.run(["ps", "--disk", web.name]);
    expect(table.text).toMatch(/^SIZE +KIND +CONTAINER +WHAT\n5\.0M +deleted +\S+ +\/data\/gone \(open in process 1,/);
    expect(table.text).toMatch(/\ntotal \d+M, and at most 4\.0M mapped\n$/);
  });

  test("without a name all containers and volumes are listed, including stopped containers and unused volumes", async () => {
    const on = engine(name);
    const unused = await newVolume(on);
    const stopped = await container(on, { steps: ["fill", "/kept", "3"] });
    await stopped.handle.stop({ t: 0 });
    // Sidecars of all containers would disturb tests that run at the same time.
    const items = itemsOf(await by.run(["ps", "--disk", "--route", "direct", "--json"]));
    expect(items.find((item) => item.name === unused)).toMatchObject({ kind: "volume", containers: [], size: 0 });
    const layer = items.find(({ kind, containers }) => kind === "layer" && containers.includes(stopped.name));
    expect(layer?.size).toBeGreaterThanOrEqual(3 * MIB);
  });

  test("the log of a container's output is counted", async () => {
    const on = engine(name);
    const script = "busybox head -c 300000 /dev/zero | busybox tr '\\0' 'x'; busybox echo; busybox sleep 1000";
    const talks = await container(on, {
      image: await busyboxImage(on),
      command: ["/bin/sh", "-c", script.replaceAll("busybox", "/bin/busybox")],
      host: { LogConfig: { Type: "json-file", Config: {} } },
    });
    await waitFor("the output to be logged", async () => {
      const text = await talks.handle.logs({ stdout: true, stderr: true });
      return text.length >= 300_000;
    });
    const { text, stderr, code } = await by.run(["ps", "--disk", "--json", talks.name]);
    const log = itemsOf({ text } as Result).find(({ kind }) => kind === "log");
    expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
    expect(log?.size).toBeGreaterThan(300_000);
    expect(log?.containers).toEqual([talks.name]);
  });
}

describeWith(["root", "docker"], "what fills the disk, of Docker, for root", () => tests("docker", () => 0));
describeWith(["root", "podman"], "what fills the disk, of Podman, for root", () => tests("podman", () => 0));
describeWith(["root", "docker"], "what fills the disk, for a user with only Docker's socket", () =>
  tests("docker", () => ORDINARY_USER),
);
describeWith("rootlessDocker", "what fills the disk, for the owner of a rootless Docker", () =>
  tests("rootlessDocker", () => rootlessUid() ?? 0),
);
describeWith("rootlessPodman", "what fills the disk, for the owner of a rootless Podman", () =>
  tests("rootlessPodman", () => rootlessUid() ?? 0),
);

describeWith(["root", "docker"], "what fills the disk: logs, for a user with only Docker's socket", () => {
  const text = "x".repeat(1000);
  const config = { "max-size": "20k", "max-file": "4" };

  /** Makes a container whose log has three rotated files and no longer grows. */
  async function talks(on: Engine, options: Record<string, string> = {}): Promise<Container> {
    const loop = `i=0; while [ $i -lt 100 ]; do echo ${text}; i=$((i+1)); done; echo end; /bin/busybox sleep 1000`;
    const found = await container(on, {
      image: await busyboxImage(on),
      command: ["/bin/sh", "-c", loop],
      host: { LogConfig: { Type: "json-file", Config: { ...config, ...options } } },
    });
    const suffix = options.compress === "true" ? ".gz" : "";
    const rotated = [1, 2, 3].map((number) => `.${number}${suffix}`);
    await waitFor("the last line to be logged, and rotated files to be compressed", async () => {
      const { LogPath } = await found.handle.inspect();
      const there = (await filesOf(found)).map((path) => path.slice(LogPath.length)).sort();
      return there.join(" ") === ["", ...rotated].join(" ") && readFileSync(LogPath, "latin1").includes('"end\\n"');
    });
    return found;
  }

  async function filesOf({ handle }: Container): Promise<string[]> {
    const { LogPath } = await handle.inspect();
    return readdirSync(dirname(LogPath))
      .map((name) => join(dirname(LogPath), name))
      .filter((path) => path.startsWith(LogPath));
  }

  // Podman does not rotate logs into separate files.
  const rotating = inject("machine").isPodman ? [] : ["docker" as const];
  test.each(rotating)(
    "rotated and compressed files count, over several containers of %s, and every sidecar is removed",
    async (name) => {
      const on = engine(name);
      const by = user({ uid: ORDINARY_USER, engine: on });
      const [plain, compressed] = [await talks(on), await talks(on, { compress: "true" })];
      const { text, stderr, code } = await by.run(["ps", "--disk", "--json", plain.name, compressed.name]);
      expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
      const logs = itemsOf({ text } as Result).filter(({ kind }) => kind === "log");
      for (const one of [plain, compressed]) {
        const sizes = (await filesOf(one)).map((path) => statSync(path).size);
        expect(sizes).toHaveLength(4);
        const log = logs.find(({ containers }) => containers.includes(one.name));
        expect(log?.size).toBe(sizes.reduce((total, size) => total + size, 0));
        const left = await on.api.listContainers({ all: true, filters: { label: [`io.porthole.sidecar=${one.id}`] } });
        expect(left.filter(({ Names }) => Names.some((name) => name.endsWith("-logs")))).toEqual([]);
      }
    },
  );

  test("a container that never runs is removed when the command is killed", async () => {
    const on = engine("docker");
    const proxy = await engineProxy(on, /^HEAD /);
    const by = user({ uid: ORDINARY_USER, engine: { ...on, host: proxy.host } });
    const web = await container(on, { host: { LogConfig: { Type: "json-file", Config: {} } } });
    const running = by.start(["ps", "--disk", web.name]);
    running.stdout.resume();
    await waitFor("the question for a size", () => proxy.ongoing().some((line) => line.startsWith("HEAD ")));
    expect(await sidecarsOf(on, web)).toHaveLength(1);
    running.child.kill("SIGKILL");
    await running.ended;
    await waitFor("the container to be removed", async () => (await sidecarsOf(on, web)).length === 0);
  });

  test("--route direct starts no sidecar, and reports omitted items in one line", async () => {
    const on = engine("docker");
    const by = user({ uid: ORDINARY_USER, engine: on });
    const web = await container(on, { host: { LogConfig: { Type: "json-file", Config: {} } } });
    const { stderr, code } = await by.run(["ps", "--disk", "--json", "--route", "direct", web.name]);
    expect(stderr).toMatch(
      /^porthole: logs are not counted: cannot measure .*: Permission denied \(run porthole as root, /,
    );
    expect(code).not.toBe(0);
  });
});

describeWith(["root", "docker"], "what fills the disk: what is not a container", () => {
  const by = () => user({ engine: engine("docker") });

  test("a process has only deleted files, and an image is refused in one line", async () => {
    const on = engine("docker");
    const holds = await container(on, { steps: ["fill", "/gone", "1", "hold", "/gone", "remove", "/gone"] });
    const someone = by();
    const ofProcess = itemsOf(await someone.run(["ps", "--disk", "--json", `pid:${holds.pid}`]));
    expect(ofProcess).toMatchObject([{ kind: "deleted", size: MIB, containers: [`pid:${holds.pid}`], path: "/gone" }]);
    const page = readFileSync(`${repository}docs/json.md`, "utf8").split("\n## ");
    const section = page.find((text) => text.startsWith("`ps --disk --json`")) ?? "";
    for (const field of [...Object.keys(ofProcess[0] ?? {}), "pid", "fd"]) expect(section).toContain(`\`${field}\``);
    const image = await someone.run(["ps", "--disk", "image:x"]);
    expect(image).toMatchObject({
      code: 2,
      stderr:
        "porthole: cannot measure what 'image:x' stores: it is not a container (porthole ls -ds --total image:x:/ adds up its files)\n",
    });
  });

  test("--disk excludes --files", async () => {
    const { code, stderr } = await by().run(["ps", "--disk", "--files", "x"]);
    expect(code).toBe(2);
    expect(stderr.split("\n")).toHaveLength(2);
  });
});
