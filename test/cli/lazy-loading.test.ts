import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { fakeEngine } from "../engines/fake-engine.ts";
import { describeWith } from "../helpers/availability.ts";
import { container, engine } from "../helpers/engine.ts";
import { builtCommand } from "../helpers/paths.ts";
import { user } from "../helpers/porthole.ts";
import { screenOfTest } from "../tui/screen.ts";

const id = "0123456789abcdef".repeat(4);
const state = { Running: true, Status: "running", Pid: 2_147_483_646, StartedAt: "2026-01-02T03:04:05Z" };

// Only dockerode uses Node's HTTP client. Loading both takes longer than reading a small file.
test("dockerode is loaded to start an agent through an engine, but not to use a running agent or to find a container", async () => {
  const { directory, run } = user();
  const preload = `${directory}/modules.cjs`;
  writeFileSync(preload, writeModules(directory));
  const engine = await fakeEngine((path) =>
    path.startsWith("/containers/web/json") || path.startsWith(`/containers/${id}/json`)
      ? { status: 200, body: { Id: id, Name: "/web", State: state } }
      : { status: 404, body: { message: "no such thing" } },
  );
  const loads = async (...args: string[]) => {
    const { code } = await run(args, { env: { NODE_OPTIONS: `--require ${preload}` } });
    return { code, http: readFileSync(`${directory}/modules`, "utf8").split("\n").includes("NativeModule http") };
  };
  const own = `pid:${process.pid}:/etc/hostname`;
  expect(await loads("cat", own)).toEqual({ code: 0, http: false });
  expect(await loads("cat", own)).toEqual({ code: 0, http: false });
  expect(await loads("cat", "--engine", engine.socketPath, "none:/etc/hostname")).toEqual({ code: 3, http: false });
  const start = ["cat", "--route", "sidecar", "--engine", engine.socketPath, "web:/etc/hostname"];
  expect(await loads(...start)).toEqual({ code: 4, http: true });
});

test("neither is loaded to start an agent with an exec", async () => {
  const { directory, env, run } = user();
  const preload = `${directory}/modules.cjs`;
  writeFileSync(preload, writeModules(directory));
  const Mounts = [{ Source: `${env.XDG_STATE_HOME}/porthole/mnt`, Destination: "/run/porthole" }];
  const engine = await fakeEngine((path) =>
    path.startsWith("POST")
      ? { status: 409, body: { message: `no ${path.endsWith("/exec") ? "exec" : "other request"} today` } }
      : { status: 200, body: { Id: id, Name: "/web", State: state, Mounts } },
  );
  const start = ["cat", "--route", "mount", "--engine", engine.socketPath, "web:/etc/hostname"];
  const failed = await run(start, { env: { NODE_OPTIONS: `--require ${preload}` } });
  expect(failed).toMatchObject({ code: 4, stderr: expect.stringContaining("no exec today") });
  const loaded = readFileSync(`${directory}/modules`, "utf8").split("\n");
  expect(["http", "net"].filter((name) => loaded.includes(`NativeModule ${name}`))).toEqual([]);
});

// These modules of Node load many others: together they take as long as cat's own code.
test.each<[what: string, target: string, engine?: string]>([
  ["a file of this machine", "/etc/passwd"],
  ["a file through a running agent", `pid:${process.pid}:/etc/passwd`],
  ["a file of this machine beside a remote engine", "/etc/passwd", "ssh://nowhere.invalid"],
])("a cat of %s loads no module of Node for processes, cryptography, sockets or threads", async (_, target, engine) => {
  const { directory, run } = user();
  const preload = `${directory}/modules.cjs`;
  writeFileSync(preload, writeModules(directory));
  const env = engine === undefined ? {} : { DOCKER_HOST: engine };
  await run(["cat", target], { env });
  const { code } = await run(["cat", target], { env: { ...env, NODE_OPTIONS: `--require ${preload}` } });
  const loaded = readFileSync(`${directory}/modules`, "utf8").split("\n");
  const heavy = ["child_process", "crypto", "dgram", "http", "net", "os", "perf_hooks", "tty", "worker_threads"];
  expect(code).toBe(0);
  expect(loaded).toContain("NativeModule fs");
  // For the signal of an attach, which only a new agent needs.
  heavy.push("internal/abort_controller");
  expect(heavy.filter((name) => loaded.includes(`NativeModule ${name}`))).toEqual([]);
});

// Only the code that looks for engines on other kernels loads node:os.
describeWith(["docker", "root"], "a cat by a live agent", () => {
  test.each<[string, object | undefined, boolean]>([
    ["DOCKER_HOST", undefined, false],
    ["DOCKER_HOST and a current context in docker's configuration", { currentContext: "default" }, false],
    ["a configuration of docker without a context", { auths: {} }, true],
  ])("does not look for another kernel with %s", async (_, configuration, isDefault) => {
    const on = engine("docker");
    const { directory, run } = user({ engine: on });
    const [preload, runtime] = [`${directory}/modules.cjs`, `${directory}/runtime`];
    writeFileSync(preload, writeModules(directory));
    mkdirSync(runtime);
    symlinkSync(on.socket, `${runtime}/docker.sock`);
    if (configuration !== undefined) {
      mkdirSync(`${directory}/docker`);
      writeFileSync(`${directory}/docker/config.json`, JSON.stringify(configuration));
    }
    const one = await container(on, { steps: ["write", "/f", "text"] });
    const env = {
      ...{ DOCKER_CONFIG: `${directory}/docker`, XDG_RUNTIME_DIR: runtime },
      ...(isDefault && { DOCKER_HOST: "" }),
    };
    await run(["cat", `${one.name}:/f`], { env });
    const read = await run(["cat", `${one.name}:/f`], { env: { ...env, NODE_OPTIONS: `--require ${preload}` } });
    expect(read).toMatchObject({ code: 0, stderr: "", text: "text\n" });
    expect(readFileSync(`${directory}/modules`, "utf8").split("\n")).not.toContain("NativeModule os");
  });
});

/** Returns code that writes the names of the loaded modules to the file `modules` at its exit. */
function writeModules(directory: string): string {
  return `process.on("exit", () => require("node:fs").writeFileSync("${directory}/modules", process.moduleLoadList.join("\\n")));`;
}

// Each of these takes milliseconds, during which a key waits.
describeWith("tmux", "the screen", () => {
  const screen = screenOfTest();

  test("draws Ink's surfaces around ASCII text without modules for processes, clients and times, or Unicode data", async () => {
    const list = `${screen.directory}/modules`;
    const preload = screen.file(
      "modules.cjs",
      [writeModules, noteUnicodeData].map((note) => note(screen.directory)).join("\n") +
        noteModulesAt(screen.directory, "one line"),
    );
    const log = screen.file("log", "one line\n".repeat(100));
    screen.run(`NODE_OPTIONS='--require ${preload}' ${process.execPath} ${builtCommand} open ${log}`);
    await screen.waitFor("the keys of Ink", ": palette");
    screen.keys("q");
    expect(await screen.waitForEnd()).toBe(0);
    const loaded = readFileSync(list, "utf8").split("\n");
    expect(loaded).toContain("NativeModule tty");
    const heavy = ["assert", "child_process", "http", "perf_hooks", "internal/deps/undici/undici"];
    expect(heavy.filter((name) => loaded.includes(`NativeModule ${name}`))).toEqual([]);
    expect(existsSync(`${screen.directory}/unicode`)).toBe(false);
    // The first text needs none of Node's streams.
    const atText = readFileSync(`${screen.directory}/at-text`, "utf8").split("\n");
    expect(["tty", "net", "stream", "v8"].filter((name) => atText.includes(`NativeModule ${name}`))).toEqual([]);
  });
});

/**
 * Returns code that writes the file `at-text`: the names of the modules that are loaded when the
 * text is first written.
 */
function noteModulesAt(directory: string, text: string): string {
  return `
    const fs = require("node:fs");
    const { writeSync } = fs;
    fs.writeSync = (fd, bytes, ...rest) => {
      if (!fs.existsSync("${directory}/at-text") && String(bytes).includes("${text}"))
        fs.writeFileSync("${directory}/at-text", process.moduleLoadList.join("\\n"));
      return writeSync(fd, bytes, ...rest);
    };`;
}

/** Returns code that writes the file `unicode` when a segmenter or a set of all emoji is built. */
function noteUnicodeData(directory: string): string {
  return `
    const note = (what) => require("node:fs").appendFileSync("${directory}/unicode", what + "\\n");
    Intl.Segmenter = new Proxy(Intl.Segmenter, {
      construct: (target, args) => (note("segmenter"), Reflect.construct(target, args)),
    });
    RegExp = new Proxy(RegExp, {
      construct: (target, args) => (String(args[0]).includes("RGI_Emoji") && note("emoji"), Reflect.construct(target, args)),
    });`;
}
