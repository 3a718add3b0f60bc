import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { Readable } from "node:stream";
import { createServer } from "node:tls";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { note } from "../helpers/compatibility.ts";
import { type Engine, image, uniqueName } from "../helpers/engine.ts";
import { startFarEngine } from "../helpers/far-engine.ts";
import { builtCommand } from "../helpers/paths.ts";
import { type User, user } from "../helpers/porthole.ts";
import { childrenOf, findProcesses } from "../helpers/processes.ts";
import { type SshServer, sshOnPath, startSshd } from "../helpers/sshd.ts";
import { tar } from "../helpers/tar.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { quoted, TmuxScreen } from "../tui/screen.ts";
import { listedAgents } from "./agents.ts";

/*
 * A Docker engine in its own PID, mount and network namespaces stands in for another machine: its
 * process numbers do not exist on the host. A real sshd leads to it, with the host's programs.
 */

describeWith(["docker", "sshd", "root", "tmux"], "an engine by ssh", () => {
  let server: SshServer;
  let far: Engine;
  let enter: () => string[];
  let stop: () => Promise<void>;
  let host: string;
  let by: User;
  let name: string;
  let stopped: string;
  let imageName: string;

  beforeAll(async () => {
    server = await startSshd();
    ({ far, enter, stop } = await startFarEngine());
    host = `ssh://root@127.0.0.1:${server.port}${far.socket}`;
    by = user();
    Object.assign(by.env, { DOCKER_HOST: host, PATH: `${sshOnPath(server)}:${by.env.PATH}` });
    const steps = ["dir", "/d", "write", "/d/f", "text", "write", "/d/g", "more"];
    imageName = await image(far);
    stopped = uniqueName();
    await far.api.createContainer({ name: stopped, Image: imageName, Cmd: ["/workload"] });
    const handle = await far.api.createContainer({
      name: uniqueName(),
      Image: imageName,
      Cmd: ["/workload", ...steps],
      HostConfig: { NetworkMode: "none" },
    });
    await handle.start();
    name = (await handle.inspect()).Name.slice(1);
    // The first command loads the image.
    const first = await waitFor("the file", async () => {
      const result = await by.run(["cat", `${name}:/d/f`]);
      return result.text !== "" && result;
    });
    expect(first).toMatchObject({ code: 0, text: "text\n", stderr: "" });
  });

  afterAll(async () => {
    await by?.close();
    await stop?.();
    await server?.stop();
  });

  /** Runs porthole in the engine's namespaces, as a user of that machine would. */
  const onThatMachine = (args: string[]) =>
    by.run(args, { env: { DOCKER_HOST: far.host, XDG_STATE_HOME: `${by.directory}/far-state` }, before: enter() });

  test.each([
    [["ls", "-l", "X:/d"]],
    [["ls", "--json", "X:/d"]],
    [["stat", "X:/d/f"]],
    [["head", "-n1", "X:/d/f", "X:/d/g"]],
    [["tail", "--json", "X:/d/f"]],
    [["grep", "-n", "ex", "X:/d/f", "X:/d/g"]],
    [["grep", "nothing", "X:/d/f"]],
    [["find", "X:/d", "-name", "g"]],
    [["hexdump", "X:/d/f"]],
    [["diff", "X"]],
    [["ls", "-a", "STOPPED:/"]],
    [["stat", "image:IMAGE:/workload"]],
    [["cat", "X:/none", "X:/d/f"]],
    [["cat", "--no-such-option", "X:/d/f"]],
  ])("%j has the local output and exit status of the remote command", async (words) => {
    const args = words.map((word) => word.replace("X", name).replace("STOPPED", stopped).replace("IMAGE", imageName));
    const { stdout, ...rest } = await by.run(args);
    const expected = await onThatMachine(args);
    expect({ ...rest, stdout: expected.stdout }).toEqual(expected);
    expect(stdout.equals(expected.stdout)).toBe(true);
  });

  test("passes standard input unchanged, and its end", async () => {
    const input = randomBytes(300_001);
    const { stdout, code } = await by.run(["cat", "-", `${name}:/d/f`], { input });
    expect(code).toBe(0);
    expect(stdout.equals(Buffer.concat([input, Buffer.from("text\n")]))).toBe(true);
  });

  test("does not read standard input that the remote command does not use", async () => {
    const script = `porthole() { ${quoted(process.execPath)} ${quoted(builtCommand)} "$@"; }
      printf 'one\\ntwo\\n' | { read -r first; porthole cat ${name}:/d/f; read -r second; echo "$first $second"; }`;
    const text = execFileSync("bash", ["-c", script], { encoding: "utf8", env: by.env });
    expect(text).toBe("text\none two\n");
  });

  test("ends by the signal that it receives, and ends its remote process", async () => {
    const running = by.start(["tail", "-f", `${name}:/d/f`]);
    await new Promise((resolve) => running.stdout.once("data", resolve));
    running.stdout.resume();
    running.child.kill("SIGTERM");
    expect(await running.ended).toEqual({ code: null, signal: "SIGTERM" });
    await waitFor("the command there to end", () => commandsThere(`${name}:/d/f`).length === 0);
  });

  test("ends its remote process when it is killed", async () => {
    const running = by.start(["tail", "-f", `${name}:/d/g`]);
    await new Promise((resolve) => running.stdout.once("data", resolve));
    running.stdout.resume();
    expect(commandsThere(`${name}:/d/g`).length).toBeGreaterThan(0);
    running.child.kill("SIGKILL");
    await running.ended;
    await waitFor("the command there to end", () => commandsThere(`${name}:/d/g`).length === 0);
  });

  test("ends by a signal although the connection does not respond", async () => {
    const running = by.start(["tail", "-f", `${name}:/d/f`]);
    await new Promise((resolve) => running.stdout.once("data", resolve));
    running.stdout.resume();
    const connections = childrenOf(running.pid);
    for (const pid of connections) process.kill(pid, "SIGSTOP");
    running.child.kill("SIGINT");
    expect(await running.ended).toEqual({ code: null, signal: "SIGINT" });
    for (const pid of connections) process.kill(pid, "SIGKILL");
    await waitFor("the command there to end", () => commandsThere(`${name}:/d/f`).length === 0);
  });

  test("doctor without a target does not refuse the engine of DOCKER_HOST", async () => {
    const { text } = await by.run(["doctor"]);
    expect(text).toContain(
      `ok    container engine: not checked: ${host} (DOCKER_HOST) is on another machine, where porthole`,
    );
    expect(text).not.toContain("cannot use");
  });

  test("doctor of a container checks what the helper there can use, and warns of nothing else", async () => {
    const { code, text } = await by.run(["doctor", name]);
    expect({ code, warnings: text.match(/^(?:warn|fail).*/gm) }).toEqual({ code: 0, warnings: null });
    expect(text.match(/^ok {4}route \w+/gm)).toEqual(["ok    route direct"]);
  });

  test("runs the command of with locally on one file, and ends with its status", async () => {
    expect(await by.run(["with", `${name}:/d/f`, "--", "tr", "a-z", "A-Z"])).toMatchObject({ code: 0, text: "TEXT\n" });
    expect(await by.run(["with", `${name}:/d/f`, "--", "sh", "-c", "exit 7"])).toMatchObject({ code: 7, text: "" });
    const missing = await by.run(["with", `${name}:/none`, "--", "touch", `${by.directory}/made`]);
    expect(missing).toMatchObject({
      code: 125,
      stderr: `porthole: cannot open ${name}:/none: No such file or directory\n`,
    });
    expect(() => readFileSync(`${by.directory}/made`)).toThrow("ENOENT");
  });

  test("runs the command of with remotely on a directory, where the image has the command", async () => {
    const search = await by.run(["with", `${name}:/d`, "--", "rg", "--no-config", "-n", "ex", "."]);
    expect(search).toMatchObject({ code: 0, text: expect.stringContaining("f:1:text\n"), stderr: "" });
    expect(await by.run(["with", `${name}:/d`, "--", "no-such-command"])).toMatchObject({
      code: 127,
      stderr: `porthole: cannot run 'no-such-command': No such file or directory (it runs on the engine's machine, in porthole's image; with one file and no {} it runs on yours)\n`,
    });
  });

  test("cp creates the same files locally and remotely: holes, modes, times, links, and each failure as a line", async () => {
    const [here, there] = [`${by.directory}/here`, `${by.directory}/there`];
    for (const into of [here, there]) mkdirSync(into);
    const copied = await by.run(["cp", `${name}:/d`, here]);
    expect(copied).toMatchObject({ code: 0, stderr: "", text: "" });
    expect(await onThatMachine(["cp", `${name}:/d`, there])).toMatchObject({ code: 0 });
    const listed = (into: string) => {
      const format = ["-printf", "%P %M %s %b %T@ %l\\n"];
      return execFileSync("find", [into, "-mindepth", "1", ...format], { encoding: "utf8" })
        .split("\n")
        .sort();
    };
    expect(listed(here)).toEqual(listed(there));
    expect(readFileSync(`${here}/d/g`, "utf8")).toBe("more\n");
    const again = await by.run(["cp", `${name}:/d/f`, `${name}:/none`, `${here}/d`]);
    expect(again).toMatchObject({ code: 1, text: "" });
    expect(again.stderr.split("\n").sort()).toEqual([
      "",
      `porthole: cannot create ${here}/d/f: File exists (-f replaces it)`,
      `porthole: cannot open ${name}:/none: No such file or directory`,
    ]);
    const refused = await by.run(["cp", "/etc/hostname", `${name}:/d/f`]);
    expect(refused).toMatchObject({ code: 2, text: "" });
    expect(refused.stderr).toMatch(/^porthole: cp cannot write '\/etc\/hostname' of this machine to [^\n]+\n$/);
  });

  test("shows the remote screen, which follows the size of the terminal and restores it", async (context) => {
    const screen = new TmuxScreen();
    context.onTestFinished(() => screen.close());
    const variables = Object.entries(by.env).map(([key, value]) => `${key}=${quoted(value)}`);
    screen.run(`env ${variables.join(" ")} ${process.execPath} ${builtCommand} open ${name}:/d/f`);
    await screen.waitFor("the file on the screen", (page) => page.split("\n")[1] === "text");
    screen.resize({ columns: 60, rows: 12 });
    await screen.waitFor("the last row at its new place", (page) => {
      const rows = page.replace(/\n+$/, "").split("\n");
      return rows[1] === "text" && rows.length === 12;
    });
    screen.keys("q");
    expect(await screen.waitForEnd()).toBe(0);
  });

  test("local files are read locally, and not together with remote files", async () => {
    expect(await by.run(["cat", "/proc/self/comm"])).toMatchObject({ code: 0, text: "node\n" });
    const { code, stderr } = await by.run(["cat", "/etc/hostname", `${name}:/d/f`]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^porthole: '\/etc\/hostname' is on this machine, '\S+' at ssh:\S+ \(.*\)\n$/);
  });

  test("its helper is listed but hidden among the containers, and detach ends it", async (context) => {
    await by.run(["cat", `${name}:/d/f`]);
    const helper = (await listedAgents(by)).find(({ route }) => route === "helper");
    expect(helper).toMatchObject({ name: host });
    expect((await far.api.getContainer(helper?.container ?? "").inspect()).HostConfig.AutoRemove).toBe(true);
    await note(context, {
      ...{ section: "Other kernels and machines", situation: "an engine by ssh", on: far, by, names: {} },
      command: "porthole cat web:/d/f",
      outcome: "`text`, by a helper container there",
    });
    expect(await by.run(["detach", host])).toMatchObject({ code: 0, stderr: "" });
    await waitFor("the helper to be removed", async () => (await helpersOn(far)).length === 0);
    expect((await by.run(["agents", "--json"])).text).not.toContain("helper");
    // The next command starts another helper; --all also removes the image.
    expect(await by.run(["cat", `${name}:/d/f`])).toMatchObject({ code: 0, text: "text\n" });
    expect(await by.run(["detach", "--all"])).toMatchObject({ code: 0, stderr: "" });
    const tags = (await far.api.listImages()).flatMap(({ RepoTags }) => RepoTags ?? []);
    expect(tags.filter((tag) => tag.includes("porthole-helper"))).toEqual([]);
    expect(await helpersOn(far)).toEqual([]);
  });

  test("a docker context with certificates leads to the same engine by TCP", async (context) => {
    const { port, certificates, close } = await tlsTo(far.socket);
    context.onTestFinished(close);
    const env = { DOCKER_HOST: `tcp://127.0.0.1:${port}`, DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: certificates };
    expect(await by.run(["cat", `${name}:/d/f`], { env })).toMatchObject({ code: 0, text: "text\n", stderr: "" });
    const stranger = { ...env, DOCKER_CERT_PATH: by.directory };
    const refused = await by.run(["cat", `${name}:/d/f`], { env: stranger });
    expect(refused).toMatchObject({ code: 3, text: "" });
    expect(refused.stderr).toMatch(
      /^porthole: cannot connect to [^\n]*\(check ca\.pem, cert\.pem and key\.pem [^\n]*\)\n$/,
    );
  });

  test("reports an image without porthole, and an image for another processor", async () => {
    const run = async (reference: string) => {
      const { code, text, stderr } = await by.run(["cat", "--image", reference, `${name}:/d/f`]);
      expect({ code, text, stderr }).toMatchObject({ code: 4, text: "" });
      return stderr;
    };
    const remedy = "(name an image of porthole with --image: porthole image writes one)";
    expect(await run(imageName)).toBe(`porthole: porthole cannot run in the image '${imageName}' ${remedy}\n`);
    const { Arch } = await far.api.version();
    const other = Arch === "arm64" ? "amd64" : "arm64";
    expect(await run(await foreignImage(far, other))).toMatch(
      /^porthole: the helper's image is for another processor than the engine's: [^\n]+ \(name an image for it [^\n]+\)\n$/,
    );
    await waitFor("no helper but the running one", async () => {
      const helpers = await far.api.listContainers({ all: true, filters: { label: ["io.porthole.helper"] } });
      return helpers.every(({ State }) => State === "running");
    });
  });

  test.each([
    ["no ssh", { PATH: "/nowhere" }, [], /ssh is not installed \(install it, /],
    [
      "a key that the host does not accept",
      { PT_KEY: "none" },
      [],
      /Permission denied .*\(the host accepts none of your keys: /,
    ],
    [
      "no engine there",
      { DOCKER_HOST: "/none.sock" },
      [],
      /\(check the engine there: ssh -p \d+ root@127\.0\.0\.1 docker info\)/,
    ],
    [
      "no image of that name",
      {},
      ["--image", "no-such-image"],
      /the engine has no image 'no-such-image' \(pull or build it there/,
    ],
  ])("reports in one line that there is %s", async (_, changes, options, line) => {
    const { DOCKER_HOST: socket, ...rest } = changes as Record<string, string>;
    const env = { ...rest, ...(socket === undefined ? {} : { DOCKER_HOST: host.replace(far.socket, socket) }) };
    const { code, stderr, text } = await by.run(["cat", ...options, `${name}:/d/f`], { env });
    expect(text).toBe("");
    expect(stderr).toMatch(/^porthole: [^\n]*\n$/);
    expect(stderr).toMatch(line);
    expect(code).toBe(3);
  });
});

/** Loads an image whose agent is not a program for the engine's processor. Returns its name. */
async function foreignImage(on: Engine, architecture: string): Promise<string> {
  const content = Buffer.from("\x7fELF of another processor");
  const layer = tar([{ name: "porthole/agent/build/porthole-agent", content, mode: 0o755 }]);
  const hash = createHash("sha256").update(layer).digest("hex");
  const rootfs = { type: "layers", diff_ids: [`sha256:${hash}`] };
  const reference = "localhost/porthole-test-foreign:latest";
  const json = (value: object) => Buffer.from(JSON.stringify(value));
  const archive = tar([
    { name: "config.json", content: json({ architecture, os: "linux", config: {}, rootfs }) },
    { name: "layer.tar", content: layer },
    {
      name: "manifest.json",
      content: json([{ Config: "config.json", RepoTags: [reference], Layers: ["layer.tar"] }]),
    },
  ]);
  for await (const _ of await on.api.loadImage(Readable.from([archive]))) {
    // The image is not loaded yet: try again.
  }
  return reference;
}

/**
 * Returns processes of porthole commands that run in a helper on this target, which has a unique
 * name.
 */
function commandsThere(target: string): number[] {
  return findProcesses(({ args }) => args.includes("/porthole/dist/porthole.js") && args.includes(target));
}

async function helpersOn(far: Engine): Promise<string[]> {
  const listed = await far.api.listContainers({ all: true, filters: { label: ["io.porthole.helper"] } });
  return listed.map(({ Id }) => Id);
}

/** Starts a TCP port that forwards to a socket with TLS, for clients with a valid certificate. */
async function tlsTo(socket: string): Promise<{ port: number; certificates: string; close: () => void }> {
  const certificates = mkdtempSync(`${inject("machine").directory}/tls-`);
  const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: certificates, stdio: "ignore" });
  const subject = (name: string) => ["-subj", `/CN=${name}`, "-addext", "subjectAltName=IP:127.0.0.1"];
  const ca = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", "ca-key.pem", "-out", "ca.pem"];
  openssl(...ca, "-subj", "/CN=test");
  for (const [key, cert] of [
    ["server-key.pem", "server.pem"],
    ["key.pem", "cert.pem"],
  ] as const) {
    const made = ["-newkey", "rsa:2048", "-nodes", "-days", "2", "-CA", "ca.pem", "-CAkey", "ca-key.pem"];
    openssl("req", "-x509", ...made, "-keyout", key, "-out", cert, ...subject(cert));
  }
  const file = (name: string) => readFileSync(`${certificates}/${name}`);
  const server = createServer(
    {
      key: file("server-key.pem"),
      cert: file("server.pem"),
      ca: file("ca.pem"),
      requestCert: true,
      rejectUnauthorized: true,
    },
    (client) => {
      const engine = connect(socket);
      client.pipe(engine).pipe(client);
      client.on("error", () => engine.destroy());
      engine.on("error", () => client.destroy());
      client.on("close", () => engine.destroy());
      engine.on("close", () => client.destroy());
    },
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return { port, certificates, close: () => void server.close() };
}
