import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, openSync, readFileSync, readlinkSync, symlinkSync } from "node:fs";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { type Cluster, startCluster } from "../helpers/cluster/cluster.ts";
import { type Node, type PodContainerOptions, startNode } from "../helpers/cri.ts";
import { uniqueName } from "../helpers/engine.ts";
import { builtCommand, repository } from "../helpers/paths.ts";
import { childrenOf, findProcesses } from "../helpers/processes.ts";
import { textOf } from "../helpers/text-of.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { TmuxScreen } from "../tui/screen.ts";

const IMAGE = "docker.io/library/porthole:latest";

/** Permitted capabilities (capabilities(7)) of the agents in the PID namespace of a process. */
function agentCapabilities(pid: number): Set<bigint> {
  const namespace = (of: number) => readlinkSync(`/proc/${of}/ns/pid`);
  const found = findProcesses(({ args }) => args.includes("direct")).flatMap((agent) => {
    try {
      if (namespace(agent) !== namespace(pid)) return [];
      return /^CapPrm:\s*(\w+)/m.exec(readFileSync(`/proc/${agent}/status`, "utf8"))?.[1] ?? [];
    } catch {
      return []; // The agent has ended.
    }
  });
  return new Set(found.map((set) => BigInt(`0x${set}`)));
}

describeWith(["cri", "kubectl", "tmux"], "kubectl porthole", () => {
  let cluster: Cluster;
  let env: Record<string, string>;
  const nodes: Record<string, Node> = {};
  const children = new Set<ChildProcess>();

  beforeAll(async () => {
    const directory = mkdtempSync(`${inject("machine").directory}/cluster-`);
    const archive = `${directory}/image.tar`;
    const made = spawnSync(process.execPath, [builtCommand, "image", "--tag", IMAGE], {
      stdio: ["ignore", openSync(archive, "w"), "inherit"],
    });
    expect(made.status).toBe(0);
    // The second engine is the current containerd if it is installed.
    nodes.one = await startNode();
    nodes.two = await startNode({ programs: process.env.PORTHOLE_CURRENT_ENGINES });
    for (const node of Object.values(nodes)) node.importImage(archive);
    cluster = await startCluster(directory, nodes);
    for (const path of ["bin", "home"]) mkdirSync(`${directory}/${path}`);
    for (const name of ["kubectl-porthole", "kubectl_complete-porthole"])
      symlinkSync(`${repository}dist/kubectl-porthole.js`, `${directory}/bin/${name}`);
    const PATH = `${directory}/bin:${process.env.PATH}`;
    env = { PATH, KUBECONFIG: cluster.kubeconfig, HOME: `${directory}/home`, LANG: "C.UTF-8" };
    const apply = ["apply", "--validate=false", "-k", `${repository}docker/kubernetes`];
    // The API server runs in this process, so no code may wait for kubectl synchronously.
    await promisify(execFile)("kubectl", apply, { env });
    expect(cluster.names("porthole")).toEqual(["porthole/porthole-one", "porthole/porthole-two"]);
  });
  afterAll(async () => {
    for (const child of children) child.kill("SIGKILL");
    await cluster?.stop();
    for (const node of Object.values(nodes)) await node.stop();
  });

  const start = (args: readonly string[], added: Record<string, string> = {}) => {
    const [command = "", ...rest] = added.DIRECT ? ["kubectl-porthole", ...args] : ["kubectl", "porthole", ...args];
    const child = spawn(command, rest, { env: { ...env, ...added }, stdio: ["ignore", "pipe", "pipe"] });
    children.add(child);
    const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) =>
      child.on("close", (code, signal) => resolve({ code, signal })),
    );
    return { child, ended, text: textOf(child.stdout), stderr: textOf(child.stderr) };
  };
  const run = async (args: readonly string[], added: Record<string, string> = {}) => {
    const running = start(args, added);
    const { code } = await running.ended;
    return { code, text: running.text(), stderr: running.stderr() };
  };
  const pod = (node: string, namespace: string, name: string, container: Partial<PodContainerOptions>) =>
    cluster.pod(node, { namespace, name, labels: { app: "web" } }, [{ name: "app", ...container }]);
  /** Writes its input, with the time, to its standard output and to a file. */
  const speaker = [
    "/bin/sh",
    "-c",
    'busybox mkfifo /tmp/c; echo ready >/tmp/a; while :; do if read -r line </tmp/c; then echo "$line"; echo "$line" >>/tmp/a; fi; done',
  ];
  const tell = async (one: { containers: { pid: number }[] }, line: string) => {
    const fifo = `/proc/${one.containers[0]?.pid}/root/tmp/c`;
    const { status } = spawnSync("sh", ["-c", `echo '${line}' >'${fifo}'`], { timeout: 60_000 });
    expect(status).toBe(0);
  };
  /** Makes a pod whose image cannot be pulled, and without `nodeName` no node. */
  const create = async (namespace: string, name: string, spec: { nodeName?: string }) => {
    const containers = [{ name: "app", image: "registry.example/none:1" }];
    const metadata = { name, namespace, labels: { app: "web" } };
    const creating = promisify(execFile)("kubectl", ["create", "--validate=false", "-f", "-"], { env });
    creating.child.stdin?.end(
      JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata, spec: { ...spec, containers } }),
    );
    await creating;
  };
  const runsThere = () =>
    spawnSync("sh", ["-c", "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0\\n' ' '"], { encoding: "utf8" }).stdout;

  const ephemeral = (namespace: string) => ["--ephemeral", "--image", IMAGE, "-n", namespace];

  test("each command reads a pod with the rights of the manifest, and has porthole's output and status", async () => {
    const shop = uniqueName("ns");
    await pod("one", shop, "web-0", { steps: ["write", "/tmp/a.log", "one", "write", "/tmp/a.log", "two"] });
    const at = "web-0:/tmp/a.log";
    expect(await run(["cat", "-n", shop, at])).toEqual({ code: 0, text: "one\ntwo\n", stderr: "" });
    expect((await run(["-n", shop, "tail", "-n", "1", at])).text).toBe("two\n");
    expect((await run(["head", "-n1", "-n", shop, at])).text).toBe("one\n");
    expect((await run(["-n", shop, "ls", "web-0/app:/bin"])).text).toBe("busybox\nsh\n");
    expect((await run(["-n", shop, "find", "web-*:/bin", "-type", "f"])).text).toBe(`pod:${shop}/web-0:/bin/busybox\n`);
    expect((await run(["-n", shop, "grep", "-n", "tw", at])).text).toBe("2:two\n");
    expect(await run(["-n", shop, "grep", "three", at])).toEqual({ code: 1, text: "", stderr: "" });
    expect((await run(["-n", shop, "ps", "web-0"])).text).toContain("/workload");
    expect((await run([`pod:${shop}/web-0/app:/tmp/a.log`, "cat"])).code).toBe(2);
    const doctor = await run(["-n", shop, "doctor", "web-0"]);
    expect(doctor.text).toMatch(/\nok +container runtime: .*\nok +route direct/);
    expect({ ...doctor, text: doctor.text.match(/^(?:warn|fail).*/gm) }).toEqual({ code: 0, text: null, stderr: "" });
    expect(await run(["cat", "-n", shop, "web-0:/none"])).toEqual({
      code: 1,
      text: "",
      stderr: `porthole: cannot open pod:${shop}/web-0:/none: No such file or directory\n`,
    });
  });

  test("a command line that is too long for a URL reads its files too, and reports a signal and a status", async () => {
    const shop = uniqueName("ns");
    await pod("one", shop, "web-0", { steps: ["write", "/tmp/a.log", "one"] });
    // 300 targets of 250 characters; `/./` is no part of a name.
    const targets = Array.from({ length: 300 }, () => `web-0:${"/.".repeat(100)}/tmp/a.log`);
    const lines = "one\n".repeat(targets.length);
    const cat = ["-n", shop, "cat", ...targets];
    expect(await run(cat)).toEqual({ code: 0, text: lines, stderr: "" });
    expect((await run([...cat, "web-0:/none"])).code).toBe(1);
    const ephemerally = await run([...ephemeral(shop), "cat", ...targets]);
    expect(ephemerally).toMatchObject({ code: 0, text: lines });
    const running = start(["-n", shop, "tail", "-q", "-F", ...targets], { DIRECT: "1" });
    await waitFor("the lines", () => running.text() === lines);
    running.child.kill("SIGINT");
    expect(await running.ended).toEqual({ code: null, signal: "SIGINT" });
    await waitFor("the command there to end", () => !runsThere().includes(`pod:${shop}/web-0`));
    const far = Array.from({ length: 10 }, () => `web-0:${"/.".repeat(60_000)}/tmp/a.log`);
    const refused = await run(["-n", shop, "cat", ...far]);
    expect(refused).toMatchObject({ code: 2, text: "" });
    expect(refused.stderr).toMatch(/^porthole: too many arguments: \d+ bytes of at most 1048576 \(name fewer[^\n]*\n$/);
  });

  test("these rights also permit reading a pod's output and the files of an ended container", async () => {
    const shop = uniqueName("ns");
    const target = await pod("one", shop, "web-0", { command: speaker });
    await waitFor("the FIFO", async () => (await run(["cat", "-n", shop, "web-0:/tmp/a"])).text === "ready\n");
    await tell(target, "hello");
    await waitFor("the output", async () => (await run(["cat", "-n", shop, "web-0:@logs"])).text === "hello\n");
    await target.containers[0]?.stop();
    expect(await run(["cat", "-n", shop, "web-0:/tmp/a"])).toEqual({ code: 0, text: "ready\nhello\n", stderr: "" });
    // Private files of another user, in the container's layer and in a volume.
    const volume = mkdtempSync(`${inject("machine").directory}/volume-`);
    chmodSync(volume, 0o777);
    const write =
      "for d in /tmp/d /v/d; do mkdir $d; echo private >$d/f; busybox chmod 700 $d; busybox chmod 600 $d/f; done";
    const command = ["/bin/sh", "-c", `${write}; exec busybox sleep 10000`];
    const mounts = [{ source: volume, destination: "/v" }];
    const owned = await pod("one", shop, "web-1", { command, user: 1000, group: 1000, mounts });
    const readBoth = () => run(["cat", "-n", shop, "web-1:/tmp/d/f", "web-1:/v/d/f"]);
    const both = { code: 0, text: "private\nprivate\n", stderr: "" };
    await waitFor("the files", async () => (await readBoth()).text === both.text);
    await owned.containers[0]?.stop();
    expect(await readBoth()).toEqual(both);
  });

  test("a signal ends the command on the node, and so does kill -9 of the client", async () => {
    const shop = uniqueName("ns");
    await pod("one", shop, "web-0", { steps: ["write", "/tmp/a.log", "one"] });
    const args = ["tail", "-F", "-n", shop, "web-0:/tmp/a.log"];
    for (const signal of ["SIGINT", "SIGTERM", "SIGKILL"] as const) {
      const running = start(args, { DIRECT: "1" });
      await waitFor("the first line", () => running.text() === "one\n");
      expect(runsThere()).toContain(`porthole.js tail -F --json -- pod:${shop}/web-0`);
      running.child.kill(signal);
      expect(await running.ended).toEqual({ code: null, signal });
      await waitFor("the command there to end", () => !runsThere().includes(`pod:${shop}/web-0`));
      expect(running.stderr()).toBe("");
    }
  });

  test("the screen opens on a terminal through kubectl exec", async () => {
    const shop = uniqueName("ns");
    await pod("one", shop, "web-0", { steps: ["write", "/tmp/a.log", "a line of the pod"] });
    const screen = new TmuxScreen();
    const variables = Object.entries(env).map(([name, value]) => `${name}='${value}'`);
    screen.run(`env ${variables.join(" ")} kubectl porthole -n ${shop} web-0:/tmp/a.log`);
    await expect.poll(() => screen.text()).toContain("a line of the pod");
    screen.close();
  });

  test("tail -F --merge of a selector merges nodes by time; a lost node is reported and reconnected", async () => {
    const shop = uniqueName("ns");
    const first = await pod("one", shop, "web-0", { command: speaker });
    const second = await pod("two", shop, "web-1", { command: speaker });
    for (const name of ["web-0", "web-1"])
      await waitFor("the FIFO", async () => (await run(["cat", "-n", shop, `${name}:/tmp/a`])).text === "ready\n");
    const running = start(["tail", "-F", "--merge", "--prefix", "-n", shop, "-l", "app=web"], { DIRECT: "1" });
    let expected = "";
    const says = async (one: typeof first, name: string, line: string) => {
      await tell(one, line);
      expected += `pod:${shop}/${name}:@logs | ${line}\n`;
      await waitFor(`${line} to be shown`, () => running.text() === expected).catch(() => {
        throw new Error(`expected ${expected}, got ${running.text()} and ${running.stderr()}`);
      });
    };
    await says(first, "web-0", "a1");
    await says(second, "web-1", "b1");
    await says(first, "web-0", "a2");
    cluster.lose("two");
    await waitFor("the note of the loss", () => /lost the node two: .*; trying again\n/.test(running.stderr()));
    await says(first, "web-0", "a3");
    await tell(second, "b2");
    cluster.restore("two");
    expected += `pod:${shop}/web-1:@logs | b2\n`;
    await waitFor("what the lost node wrote in the meantime", () => running.text() === expected);
    await says(second, "web-1", "b3");
    expect(running.stderr()).toMatch(/^porthole: lost the node two: [^\n]*\nporthole: the node two is back\n$/);
    running.child.kill("SIGTERM");
    expect(await running.ended).toEqual({ code: null, signal: "SIGTERM" });
  });

  test("a command that is killed on the node is reported in a line, and tail -f of one pod starts it again", async () => {
    const shop = uniqueName("ns");
    const target = await pod("one", shop, "web-0", { command: speaker });
    const commandThere = () =>
      findProcesses(({ args }) => args[0]?.endsWith("/node") === true && args.includes(`pod:${shop}/web-0:@logs`));
    const running = start(["tail", "-f", "-n", shop, "web-0:@logs"], { DIRECT: "1" });
    const [first = 0] = await waitFor("the command there", () => {
      const found = commandThere();
      return found.length > 0 && found;
    });
    await waitFor("the FIFO", async () => (await run(["cat", "-n", shop, "web-0:/tmp/a"])).text === "ready\n");
    await tell(target, "a");
    await waitFor("the first line", () => running.text() === "a\n");
    process.kill(first, "SIGKILL");
    await waitFor("the note", () => running.stderr() !== "");
    await tell(target, "b");
    await waitFor("the line after it", () => running.text() === "a\nb\n");
    expect(running.stderr()).toBe(
      "porthole: lost the node one: porthole there was ended by SIGKILL; trying again\nporthole: the node one is back\n",
    );
    running.child.kill("SIGTERM");
    await running.ended;
  });

  test("pods that start later join a follow of a selector, and a removed pod is reported in a line", async () => {
    const shop = uniqueName("ns");
    const saying = (line: string) => ["/bin/sh", "-c", `echo ${line}; exec busybox sleep 10000`];
    await pod("one", shop, "web-0", { command: saying("from 0") });
    const running = start(["tail", "-F", "--prefix", "-n", shop, "-l", "app=web"], { DIRECT: "1" });
    const shows = (what: string, text: () => string, piece: string) =>
      waitFor(what, () => text().includes(piece)).catch(() => {
        throw new Error(`expected ${piece}, got ${running.text()} and ${running.stderr()}`);
      });
    await shows("the first pod", running.text, `pod:${shop}/web-0:@logs | from 0\n`);
    const second = await pod("two", shop, "web-1", { command: saying("from 1") });
    await shows("the pod of another node", running.text, `pod:${shop}/web-1:@logs | from 1\n`);
    await pod("one", shop, "web-2", { command: saying("from 2") });
    await shows("the other pod of the node", running.text, `pod:${shop}/web-2:@logs | from 2\n`);
    await second.remove();
    await shows(
      "the line of the removed pod",
      running.stderr,
      `porthole: pod:${shop}/web-1 is gone from the node two\n`,
    );
    await waitFor("the command of the removed pod to end", () => !runsThere().includes(`pod:${shop}/web-1`));
    await pod("one", shop, "web-1", { command: saying("from another node") });
    await shows("the same name on the other node", running.text, `pod:${shop}/web-1:@logs | from another node\n`);
    expect(running.text().match(/from \d/g)).toHaveLength(3);
    running.child.kill("SIGTERM");
    expect(await running.ended).toEqual({ code: null, signal: "SIGTERM" });
    await waitFor("all commands there to end", () => !runsThere().includes(`pod:${shop}/`));
  });

  test("a pod that has not started is reported in a line, and a follow waits for it", async () => {
    const shop = uniqueName("ns");
    await pod("one", shop, "web-0", { steps: ["write", "/tmp/a.log", "one"] });
    await create(shop, "later", {});
    await create(shop, "web-1", { nodeName: "one" });
    const line = (text: string) => `porthole: the pod ${shop}/${text}\n`;
    const unscheduled = (more: string) => line(`later is not scheduled: Pending${more}`);
    const starting = (more: string) => line(`web-1 has not started: Pending${more}`);
    const remedy = (name: string) => ` (kubectl describe pod -n ${shop} ${name} shows the reason)`;
    expect(await run(["cat", "-n", shop, "later:@logs"])).toEqual({
      ...{ code: 3, text: "", stderr: unscheduled(remedy("later")) },
    });
    for (const args of [["cat"], ["tail", "-f"], [...ephemeral(shop), "cat"]])
      expect(await run([...args, "-n", shop, "web-1:/tmp/a.log"])).toEqual({
        ...{ code: 3, text: "", stderr: starting(remedy("web-1")) },
      });
    // A pod of a pattern that has not started has no files yet.
    expect((await run(["cat", "-n", shop, "web-*:/tmp/a.log"])).text).toBe("one\n");
    for (const [args, expected] of [
      [["tail", "-F", "later:@logs", "web-1:@logs"], unscheduled("; waiting for it") + starting("; waiting for it")],
      [["tail", "-f", "web-1*:@logs"], starting("; waiting for it")],
    ] as const) {
      const running = start([...args, "-n", shop], { DIRECT: "1" });
      await waitFor("the line", () => running.stderr() === expected);
      running.child.kill("SIGTERM");
      expect(await running.ended).toEqual({ code: null, signal: "SIGTERM" });
      expect(running.stderr()).toBe(expected);
    }
  });

  test("a follow of named pods ends when all have failed, and that of a pattern waits for other pods", async () => {
    const shop = uniqueName("ns");
    await pod("one", shop, "web-0", {});
    const none = `has no container 'none': app (name one of them, such as pod:${shop}/web-0/app:/path)\n`;
    const failed = `tail: pod:${shop}/web-0/none:@logs: the pod ${shop}/web-0 ${none}tail: no files remaining\n`;
    expect(await run(["tail", "-F", "-n", shop, "web-0/none:@logs"])).toEqual({ code: 3, text: "", stderr: failed });
    const running = start(["tail", "-F", "-n", shop, "-c", "none", "-l", "app=web"], { DIRECT: "1" });
    const waiting = `${failed}porthole: no pod is followed now; waiting for others\n`;
    await waitFor("the line", () => running.stderr() === waiting);
    running.child.kill("SIGINT");
    expect(await running.ended).toEqual({ code: null, signal: "SIGINT" });
    expect(running.stderr()).toBe(waiting);
  });

  test("without the right to watch pods a follow says that later pods are missing, and fails if there is none", async () => {
    const shop = uniqueName("ns");
    await pod("one", shop, "web-0", { steps: ["write", "/tmp/a.log", "one"] });
    cluster.forbid(/watch=/);
    const refused =
      /porthole: cannot watch the pods of .* forbidden: .*; pods that start later are not followed \(request/;
    const running = start(["tail", "-F", "-n", shop, "-l", "app=web", "/tmp/a.log"], { DIRECT: "1" });
    await waitFor(
      "the line",
      () => running.text() === `==> pod:${shop}/web-0:/tmp/a.log <==\none\n` && refused.test(running.stderr()),
    );
    running.child.kill("SIGINT");
    expect(await running.ended).toEqual({ code: null, signal: "SIGINT" });
    expect(running.stderr().match(/\n/g)).toHaveLength(1);
    const none = await run(["tail", "-F", "-n", shop, "none:/tmp/a.log"]);
    expect(none).toMatchObject({ code: 3, text: "" });
    expect(none.stderr).toMatch(/^porthole: no such pod: 'none' in .*; waiting for it\nporthole: cannot watch /);
    cluster.forbid(undefined);
  });

  test("commands other than tail print node by node, and grep with names", async () => {
    const shop = uniqueName("ns");
    await pod("one", shop, "web-0", { steps: ["write", "/tmp/a.log", "of one"] });
    await pod("two", shop, "web-1", { steps: ["write", "/tmp/a.log", "of two"] });
    const at = ["web-0:/tmp/a.log", "web-1:/tmp/a.log"];
    expect(await run(["cat", "-n", shop, ...at])).toEqual({ code: 0, text: "of one\nof two\n", stderr: "" });
    for (let round = 0; round < 3; round++)
      expect(await run(["grep", "--namespace", shop, "two", "web-*:/tmp/a.log"])).toEqual({
        ...{ code: 0, text: `pod:${shop}/web-1:/tmp/a.log:of two\n`, stderr: "" },
      });
    const listed = await run(["ls", "--namespace", shop, "--selector", "app=web", ":/tmp"]);
    const titled = ["web-0", "web-1"].map((name) => `pod:${shop}/${name}:/tmp:\na.log\n`);
    expect(listed).toEqual({ code: 0, text: titled.join("\n"), stderr: "" });
    const processes = await run(["ps", "-n", shop, "web-0", "web-1"]);
    expect(processes.text.match(/^.*web-\d.*$/gm)).toEqual([`pod:${shop}/web-0:`, `pod:${shop}/web-1:`]);
    expect(await run(["open", "-n", shop, "web-*:/tmp/a.log"])).toEqual({
      ...{ code: 2, text: "" },
      stderr: "porthole: open shows pods of one node, not of 2 (name one pod, or use tail -F --merge)\n",
    });
    const headed = at.map((one, index) => `==> pod:${shop}/${one} <==\nof ${index === 0 ? "one" : "two"}\n`);
    expect((await run(["tail", "-n", shop, ...at])).text).toBe(headed.join("\n"));
  });

  test("a workload or service is its pods, -A is every namespace, and -c a container of each", async () => {
    const [shop, other] = [uniqueName("ns"), uniqueName("ns")];
    const saying = (line: string) => ["/bin/sh", "-c", `echo ${line}; exec busybox sleep 10000`];
    const labels = { tier: shop };
    const made = (node: string, namespace: string, name: string) =>
      cluster.pod(node, { namespace, name, labels }, [
        { name: "init", isInit: true, command: ["/bin/sh", "-c", "echo from init"] },
        { name: "app", command: saying(`app of ${name}`) },
      ]);
    await made("one", shop, "web-0");
    await made("two", shop, "web-1");
    await made("two", other, "web-0");
    cluster.workload(shop, "deployments", "web", {
      matchExpressions: [{ key: "tier", operator: "In", values: [shop] }],
    });
    cluster.workload(shop, "services", "web", labels);
    cluster.workload(shop, "services", "outside", {});
    const both = `==> pod:${shop}/web-0/app:@logs <==\napp of web-0\n\n==> pod:${shop}/web-1/app:@logs <==\napp of web-1\n`;
    for (const name of ["deploy/web", "services/web", "deployment/web/app"])
      expect(await run(["-n", shop, "tail", `${name}:@logs`])).toEqual({ code: 0, text: both, stderr: "" });
    expect((await run(["-n", shop, "cat", "svc/web/init:@logs"])).text).toBe("from init\nfrom init\n");
    const every = await run(["tail", "-A", "-l", `tier=${shop}`, "-c", "app", "--prefix", "@logs"]);
    expect(every.text.split("\n").sort()).toEqual(
      ["", `${shop}/web-0/app`, `${shop}/web-1/app`, `${other}/web-0/app`]
        .map((name) => (name === "" ? "" : `pod:${name}:@logs | app of ${name.split("/")[1]}`))
        .sort(),
    );
    expect(await run(["-n", shop, "cat", "svc/outside:@logs"])).toEqual({
      ...{ code: 3, text: "" },
      stderr: "porthole: svc/outside has no selector, so it has no pods of its own (name pods, or use -l SELECTOR)\n",
    });
    expect((await run(["-n", shop, "cat", "deploy/none:@logs"])).stderr).toMatch(
      /^porthole: cannot find the pods of deploy\/none: .*not found[^\n]*\n$/,
    );
    expect((await run(["-n", shop, "cat", "web-0/none:@logs"])).stderr).toBe(
      `porthole: the pod ${shop}/web-0 has no container 'none': app, init (name one of them, such as pod:${shop}/web-0/app:/path)\n`,
    );
  });

  test("without a container, a pod whose containers have ended is its regular container", async () => {
    const shop = uniqueName("ns");
    const ended = (line: string) => ["/bin/sh", "-c", `echo ${line}`];
    await cluster.pod("one", { namespace: shop, name: "web-0" }, [
      { name: "init", isInit: true, command: ended("from init") },
      { name: "app", command: ended("from app") },
    ]);
    await waitFor("the end", async () => (await run(["-n", shop, "cat", "web-0:@logs"])).text === "from app\n");
  });

  test("cp copies files and directories of pods to this machine, with their times", async () => {
    const shop = uniqueName("ns");
    await pod("one", shop, "web-0", { steps: ["write", "/tmp/a.log", "of one"] });
    await pod("two", shop, "web-1", { steps: ["write", "/tmp/b.log", "of two"] });
    const into = mkdtempSync(`${inject("machine").directory}/copies-`);
    const silent = { code: 0, text: "", stderr: "" };
    expect(await run(["-n", shop, "cp", "web-0:/tmp/a.log", "web-1:/tmp/b.log", "web-0:/etc", into])).toEqual(silent);
    expect(readFileSync(`${into}/a.log`, "utf8")).toBe("of one\n");
    expect(readFileSync(`${into}/b.log`, "utf8")).toBe("of two\n");
    expect(readFileSync(`${into}/etc/image`, "utf8")).toBe("of the image\n");
    expect(await run(["cp", "-n", shop, "web-0:/tmp/a.log", `${into}/c`])).toEqual(silent);
    expect(await run(["cp", "-n", shop, "web-0:/tmp/a.log", `${into}/c`])).toEqual({
      ...{ code: 1, text: "", stderr: `porthole: cannot create ${into}/c: File exists (-f replaces it)\n` },
    });
    expect(await run(["cp", "-n", shop, "-f", "web-1:/tmp/b.log", `${into}/c`])).toEqual(silent);
    expect(readFileSync(`${into}/c`, "utf8")).toBe("of two\n");
    expect((await run(["cp", "-n", shop, "web-*:/etc/image", `${into}/none`])).code).toBe(2);
    expect((await run(["cp", "-n", shop, "web-0:/none", into])).stderr).toContain("/none: No such file or directory\n");
    expect((await run([...ephemeral(shop), "cp", "web-*:/etc/image", into])).code).toBe(1);
    expect(readFileSync(`${into}/image`, "utf8")).toBe("of the image\n");
  });

  test("cp -f refuses a second copy of one name, also from another node", async () => {
    const shop = uniqueName("ns");
    await pod("one", shop, "web-0", { steps: ["write", "/tmp/a.log", "of one"] });
    await pod("two", shop, "web-1", { steps: ["write", "/tmp/a.log", "of two", "write", "/tmp/b.log", "b"] });
    const into = mkdtempSync(`${inject("machine").directory}/copies-`);
    expect(await run(["-n", shop, "cp", "-f", "web-*:/tmp/a.log", "web-*:/etc", "web-1:/tmp/b.log", into])).toEqual({
      code: 1,
      text: "",
      stderr: ["a.log", "etc"]
        .map(
          (name) =>
            `porthole: not copied from the node two: ${name} is already the copy from the node one (--parents copies each to a directory of its container and path)\n`,
        )
        .join(""),
    });
    expect(readFileSync(`${into}/a.log`, "utf8")).toBe("of one\n");
    expect(readFileSync(`${into}/b.log`, "utf8")).toBe("b\n");
    const apart = mkdtempSync(`${inject("machine").directory}/copies-`);
    expect(await run(["-n", shop, "cp", "--parents", "web-*:/tmp/a.log", apart])).toMatchObject({
      code: 0,
      stderr: "",
    });
    expect(await run(["-n", shop, "cp", "-f", "web-*:/tmp/a.log", into])).toMatchObject({ code: 1 });
  });

  test("kubectl completes commands, options, pods, workloads and containers by Tab", async () => {
    const shop = uniqueName("ns");
    const [app, db] = ["app", "db"].map((name) => ({ name, steps: ["write", "/tmp/a.log", "one"] }));
    await cluster.pod("one", { namespace: shop, name: "web-0" }, [app, db] as PodContainerOptions[]);
    const completed = async (...words: string[]) => {
      const { stdout } = await promisify(execFile)("kubectl", ["__complete", "porthole", ...words], { env });
      return stdout.split("\n").filter((line) => line !== "");
    };
    expect(await completed("ta")).toEqual(["tail", ":4"]);
    expect(await completed("-n", shop, "tail", "")).toEqual(["web-0:", ":6"]);
    expect(await completed("tail", "-n", "5", "-n", shop, "web-0/")).toEqual(["web-0/app:", "web-0/db:", ":6"]);
    expect(await completed("grep", "-n", "x", "web-0:@")).toEqual([
      ...["web-0:@logs", "web-0:@stdout", "web-0:@stderr", ":6"],
    ]);
    expect(await completed("cp", "-n", shop, "web-0:/x", "web")).toEqual(["web-0:", ":2"]);
    expect(await completed("tail", "--mer")).toEqual(["--merge", ":4"]);
    expect(await completed("--context", "")).toEqual(["test", ":4"]);
    expect(await completed("--server", "http://127.0.0.1:1", "tail", "")).toEqual([":4"]);
  });

  test("--image makes a helper pod and removes it, also after an interrupt; the next run removes a pod that kill -9 left", async () => {
    const shop = uniqueName("ns");
    await pod("one", shop, "web-0", { steps: ["write", "/tmp/a.log", "one"] });
    const helpers = uniqueName("helpers");
    const made = ["--image", IMAGE, "--helper-namespace", helpers, "-n", shop];
    const left = () => cluster.names(helpers).length;
    /** What helper pods of a namespace may do. */
    const rights = async (namespace: string) => {
      const { stdout } = await promisify(execFile)("kubectl", ["get", "pods", "-n", namespace, "-o", "json"], { env });
      const [{ spec }] = JSON.parse(stdout).items;
      const { hostPID, automountServiceAccountToken, tolerations, containers, volumes } = spec;
      const [{ securityContext, resources, volumeMounts }] = containers;
      const mounts = volumeMounts.map(({ name, ...mount }: { name: string }) => {
        const volume = volumes.find((one: { name: string }) => one.name === name);
        return JSON.stringify({ ...mount, ...volume, name: undefined });
      });
      return { hostPID, automountServiceAccountToken, tolerations, securityContext, resources, mounts: mounts.sort() };
    };
    expect(await run([...made, "cat", "web-0:/tmp/a.log"])).toEqual({ code: 0, text: "one\n", stderr: "" });
    expect(left()).toBe(0);
    // docker/kubernetes/role.yaml has no right to watch.
    expect(cluster.requests.filter((one) => one.includes(`/${helpers}/`) && one.includes("watch=true"))).toEqual([]);
    for (const signal of ["SIGINT", "SIGKILL"] as const) {
      const running = start([...made, "tail", "-F", "web-0:/tmp/a.log"], { DIRECT: "1" });
      await waitFor("the first line", () => running.text() === "one\n");
      expect(left()).toBe(1);
      expect(await rights(helpers)).toEqual(await rights("porthole"));
      running.child.kill(signal);
      await running.ended;
      expect(left()).toBe(signal === "SIGKILL" ? 1 : 0);
    }
    expect((await run([...made, "cat", "web-0:/tmp/a.log"])).text).toBe("one\n");
    expect(left()).toBe(0);
  });

  test("--ephemeral reads a pod through an ephemeral container, which the next commands use too", async () => {
    const shop = uniqueName("ns");
    const target = await pod("one", shop, "web-0", {
      steps: ["write", "/tmp/a.log", "one", "write", "/tmp/a.log", "two", "link", "/tmp/a.log", "/tmp/link"],
    });
    const by = ephemeral(shop);
    const first = await run([...by, "cat", "web-0:/tmp/a.log"]);
    expect(first.stderr).toMatch(
      /^porthole: added the ephemeral container porthole-general-\w+ to the pod [^\n]*; its entry remains until the pod is removed\n$/,
    );
    expect(first).toMatchObject({ code: 0, text: "one\ntwo\n" });
    const quiet = async (...args: string[]) => {
      const { code, text, stderr } = await run([...by, ...args]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      return text;
    };
    // The target of an absolute link is a path in the container's root.
    expect(await quiet("tail", "-n1", "web-0/app:/tmp/link")).toBe("two\n");
    expect(await quiet("grep", "-Hn", "two", "web-0:/tmp/a.log")).toBe(`pod:${shop}/web-0:/tmp/a.log:2:two\n`);
    expect(await quiet("find", "web-0:/bin", "-type", "f")).toBe(`pod:${shop}/web-0:/bin/busybox\n`);
    expect(await quiet("ls", "web-0:/bin")).toBe("busybox\nsh\n");
    expect(await quiet("ps", "web-0")).toContain("/workload");
    const doctor = await quiet("doctor", "web-0");
    expect(doctor).toMatch(/^ok +container engine: none found, and not needed.*\nok +route direct/m);
    expect(doctor).not.toMatch(/^(?:warn|fail)/m);
    // A helper pod still selects the container that is not ephemeral.
    expect((await run(["-n", shop, "cat", "web-0:/tmp/a.log"])).text).toBe("one\ntwo\n");
    expect(await run([...by, "cat", "web-0:/none"])).toEqual({
      ...{ code: 1, text: "", stderr: `porthole: cannot open pod:${shop}/web-0:/none: No such file or directory\n` },
    });
    const screen = new TmuxScreen();
    const variables = Object.entries(env).map(([name, value]) => `${name}='${value}'`);
    screen.run(`env ${variables.join(" ")} kubectl porthole ${by.join(" ")} web-0:/tmp/a.log`);
    await expect.poll(() => screen.text()).toMatch(new RegExp(`pod:${shop}/web-0:/tmp/a.log[^]*\\none`));
    screen.close();
    const running = start([...by, "tail", "-F", "web-0:/tmp/a.log"], { DIRECT: "1" });
    await waitFor("the lines", () => running.text() === "one\ntwo\n");
    running.child.kill("SIGKILL");
    await waitFor("the command there to end", () => !runsThere().includes("tail -F --json -- pid:1:/tmp/a.log"));
    const pid = target.containers[0]?.pid as number;
    await waitFor("no child of the container's first process", () => childrenOf(pid).length === 0);
  });

  test("without CAP_SYS_PTRACE the agent of --ephemeral serves with CAP_DAC_OVERRIDE at most, and as an ordinary user with none", async () => {
    const shop = uniqueName("ns");
    cluster.enforce(shop, "baseline");
    const write = (line: string) => ["write", "/tmp/a.log", line];
    const root = await pod("one", shop, "root", { steps: write("of root") });
    const app = await pod("one", shop, "app", { steps: write("of a user"), user: 1000, group: 1000 });
    for (const [target, name, line, profile, kept] of [
      [root, "root", "of root\n", "baseline", 1n << 1n], // CAP_DAC_OVERRIDE, the default one
      [app, "app", "of a user\n", "restricted", 0n],
    ] as const) {
      const first = await run([...ephemeral(shop), "cat", `${name}:/tmp/a.log`]);
      expect(first.stderr).toMatch(new RegExp(`^porthole: added the ephemeral container porthole-${profile}-.*\\n$`));
      expect(first).toMatchObject({ code: 0, text: line });
      const running = start([...ephemeral(shop), "tail", "-F", `${name}:/tmp/a.log`], { DIRECT: "1" });
      await waitFor("the line", () => running.text() === line);
      // The agent, and its child that serves this session.
      await expect.poll(() => agentCapabilities(target.containers[0]?.pid ?? 0)).toEqual(new Set([kept]));
      running.child.kill("SIGINT");
      await running.ended;
      const refused = await run([...ephemeral(shop), "open", `${name}:/tmp/a.log`]);
      expect(refused).toMatchObject({ code: 4, text: "" });
      expect(refused.stderr).toMatch(/^porthole: open is not available: .* may control its ephemeral container \(/);
    }
  });

  test("--ephemeral relays the files of a pod whose containers may mount, and passes those of other pods", async () => {
    const shop = uniqueName("ns");
    await pod("two", shop, "mounts", { steps: ["write", "/tmp/a.log", "one"], addedCapabilities: ["SYS_ADMIN"] });
    await pod("two", shop, "plain", { steps: ["write", "/tmp/a.log", "one"] });
    const relayed = await run([...ephemeral(shop), "cat", "mounts:/tmp/a.log"]);
    expect(relayed).toMatchObject({ code: 0, text: "one\n" });
    expect(relayed.stderr).toMatch(
      /\nporthole: pod:.*: relayed by the agent, because its file system may not answer\n$/,
    );
    const passed = await run([...ephemeral(shop), "cat", "plain:/tmp/a.log"]);
    expect(passed).toMatchObject({ code: 0, text: "one\n" });
    expect(passed.stderr).toMatch(/^porthole: added the ephemeral container [^\n]*\n$/);
  });

  test("an error of --ephemeral is reported in one line with the remedy", async () => {
    const shop = uniqueName("ns");
    await pod("one", shop, "web-0", { steps: ["write", "/tmp/a.log", "one"] });
    const refused = async (code: number, line: RegExp, ...args: string[]) => {
      const result = await run(["--ephemeral", "-n", shop, ...args]);
      expect(result).toMatchObject({ code, text: "" });
      expect(result.stderr).toMatch(line);
      expect(result.stderr.replace(/^porthole: added the .*\n/, "").match(/\n/g)).toHaveLength(1);
    };
    const cat = ["--image", IMAGE, "cat", "web-0:/tmp/a.log"];
    await refused(2, /^porthole: --ephemeral needs --image IMAGE \(/, "cat", "web-0:/tmp/a.log");
    await refused(
      2,
      /cannot read the output of web-0 \(use kubectl logs web-0/,
      "--image",
      IMAGE,
      "cat",
      "web-0:@logs",
    );
    await refused(3, /web-0 has no container 'db': app \(write/, "--image", IMAGE, "cat", "web-0/db:/x");
    await refused(3, /unknown profile: nothing/, "--profile", "nothing", ...cat);
    const missing = ["--image", "registry.example/none:1", "cat", "web-0:/tmp/a.log"];
    await refused(4, /the ephemeral container of the pod .* does not start: ErrImagePull \(the node must/, ...missing);
    cluster.forbid(/PATCH .*ephemeralcontainers$/);
    await refused(3, /cannot add an ephemeral container to the pod .*forbidden.*\(request the rights/, ...cat);
    cluster.forbid(undefined);
    cluster.enforce(shop, "restricted");
    await refused(3, /violates PodSecurity "restricted:latest".* \(use a helper pod/, ...cat);
    cluster.enforce(shop, undefined);
    cluster.ignoreTargets(shop);
    await refused(4, /does not see the processes of pod:.*\(its container runtime does not support/, ...cat);
  });

  test("an error of kubectl is reported in one line with the remedy", async () => {
    const shop = uniqueName("ns");
    await pod("one", shop, "web-0", { steps: ["write", "/tmp/a.log", "one"] });
    const cat = ["-n", shop, "cat", "web-0:/tmp/a.log"];
    const refused = async (args: readonly string[], code: number, line: RegExp, added: Record<string, string> = {}) => {
      const result = await run(args, added);
      expect(result).toMatchObject({ code, text: "" });
      expect(result.stderr).toMatch(line);
      expect(result.stderr.split("\n")).toHaveLength(2);
    };
    await refused(["-n", shop, "cat", "none:/x"], 3, /no such pod: 'none' in the namespace .* \(kubectl get pods -n/);
    await refused(
      ["-n", shop, "-l", "app=db", "cat"],
      3,
      /no pod matches app=db in .* \(kubectl get pods -n .*--show-labels/,
    );
    await refused(["--context", "none", ...cat], 3, /context .*none.* does not exist \(kubectl config get-contexts/);
    await refused(
      ["--helper-namespace", "none", ...cat],
      4,
      /no helper pod runs on the node one.*--image IMAGE makes one/,
    );
    const missing = ["--image", "registry.example/none:1", "--helper-namespace", uniqueName("helpers")];
    await refused(
      [...missing, ...cat],
      4,
      /the helper pod on the node one does not start: ErrImagePull \(the node must/,
    );
    const refusing = uniqueName("helpers");
    cluster.refusePods(refusing, "exceeded quota: compute, requested: pods=1, used: pods=9, limited: pods=9");
    const make = ["--image", IMAGE, "--helper-namespace", refusing];
    await refused(
      [...make, ...cat],
      3,
      /cannot make a helper pod on the node one: pods "porthole-\w+" is forbidden: exceeded quota: .* \(kubectl describe quota/,
    );
    cluster.refusePods(refusing, 'violates PodSecurity "baseline:latest": hostPID=true');
    await refused(
      [...make, ...cat],
      3,
      /violates PodSecurity .*\(use --helper-namespace with a namespace whose Pod Security/,
    );
    const pending = uniqueName("helpers");
    const waiting = {
      ...{ apiVersion: "v1", kind: "Pod" },
      metadata: { name: "porthole-x", namespace: pending, labels: { "app.kubernetes.io/name": "porthole" } },
      spec: { nodeName: "one", containers: [{ name: "porthole", image: "registry.example/none:1" }] },
    };
    const creating = promisify(execFile)("kubectl", ["create", "--validate=false", "-f", "-"], { env });
    creating.child.stdin?.end(JSON.stringify(waiting));
    await creating;
    await refused(
      ["--helper-namespace", pending, ...cat],
      4,
      /the helper pod porthole-x on the node one is Pending \(kubectl describe pod -n .* porthole-x shows the reason\)/,
    );
    const bare = {
      DIRECT: "1",
      PATH: `${env.PATH?.split(":")[0]}:${process.execPath.replace(/\/node$/, "")}:/nowhere`,
    };
    if (spawnSync("/bin/sh", ["-c", "command -v kubectl"], { env: bare }).status !== 0)
      await refused(cat, 3, /cannot run kubectl: no kubectl in the PATH \(install it/, bare);
    cluster.forbid(/GET .*\/pods$/);
    await refused(cat, 3, /cannot (?:list|find) .*forbidden.* \(request the rights in docs\/kubernetes\.md/);
    cluster.forbid(/exec$/);
    await refused(cat, 3, /cannot run porthole in the helper pod of the node one: .*forbidden.*role\.yaml/);
    cluster.forbid(undefined);
    cluster.lose("one");
    await refused(cat, 5, /lost the node one: .*no route to one \(kubectl get node one shows its state\)/);
    cluster.restore("one");
    await refused(["cat", "web-0"], 2, /'web-0' has no path \(write web-0:\/path or web-0:@logs\)/);
    await refused(["rm", "web-0:/x"], 2, /unknown command or option 'rm'/);
  });
});
