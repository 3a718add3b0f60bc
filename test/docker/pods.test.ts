import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { type Node, type Pod, type RunningPodContainer, startNode } from "../helpers/cri.ts";
import { uniqueName } from "../helpers/engine.ts";
import { following } from "../helpers/following.ts";
import { ORDINARY_USER } from "../helpers/machine.ts";
import { type RunOptions, user } from "../helpers/porthole.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { has, startScreen } from "./porthole-screen.ts";

describeWith(["cri", "tmux"], "pods of a Kubernetes node with the distribution's containerd", () =>
  podTests(undefined),
);
describeWith(["cri", "currentEngines", "tmux"], "pods of a Kubernetes node with the current containerd", () =>
  podTests(process.env.PORTHOLE_CURRENT_ENGINES),
);

/** Runs each line from a FIFO. */
const SPEAKER = 'busybox mkfifo /tmp/c; while :; do read -r line < /tmp/c && eval "$line"; done';
const speaker = (begin = ":") => ["/bin/sh", "-c", `${begin}; ${SPEAKER}`];

function podTests(programs: string | undefined): void {
  let node: Node;
  const someone = user();
  beforeAll(async () => {
    node = await startNode({ programs });
  });
  afterAll(async () => {
    await someone?.close();
    await node?.stop();
  });

  const run = ([command = "", ...args]: readonly string[], options?: RunOptions) =>
    someone.run([command, "--engine", `cri:${node.socket}`, ...args], options);
  const follow = (args: readonly string[]) => following(someone, ["--engine", `cri:${node.socket}`, ...args]);
  const namespace = () => uniqueName("ns");

  test("every command reads a pod's files by each form of its name", async () => {
    const shop = namespace();
    const pod = await node.pod({ namespace: shop, name: `web-${shop}` });
    await pod.run({ name: "app", steps: ["write", "/tmp/a.log", "one", "write", "/tmp/a.log", "two"] });
    const name = `pod:${shop}/web-${shop}/app`;
    for (const form of [`pod:web-${shop}`, `pod:web-${shop}/app`, `pod:${shop}/web-${shop}`, name, `pod:${shop}/web-*`])
      expect(await run(["cat", `${form}:/tmp/a.log`])).toMatchObject({ text: "one\ntwo\n", stderr: "", code: 0 });
    expect((await run(["head", "-n", "1", `${name}:/tmp/a.log`])).text).toBe("one\n");
    expect((await run(["tail", "-n", "1", `${name}:/tmp/a.log`])).text).toBe("two\n");
    expect((await run(["ls", `${name}:/bin`])).text).toBe("busybox\nsh\n");
    expect((await run(["find", `${name}:/bin`, "-type", "f"])).text).toBe(`${name}:/bin/busybox\n`);
    expect((await run(["grep", "tw", `${name}:/tmp`])).text).toBe(`${name}:/tmp/a.log:two\n`);
    expect((await run(["stat", "--json", `${name}:/tmp/a.log`])).text).toContain('"size":8');
    expect((await run(["ps", name])).text).toContain("/workload");
    expect((await run(["with", `${name}:/tmp/a.log`, "--", "wc", "-l"])).text).toBe("2\n");
    const into = mkdtempSync(`${inject("machine").directory}/into-`);
    expect(await run(["cp", `${name}:/tmp/a.log`, `${into}/a`])).toMatchObject({ code: 0, stderr: "" });
    expect(readFileSync(`${into}/a`, "utf8")).toBe("one\ntwo\n");
    expect((await someone.run(["agents"])).text).toContain(name);
    const { text } = await run(["doctor", `${name}:/tmp/a.log`]);
    expect(text).toMatch(/container runtime: containerd v?\d.* at .*c\.sock, with pods\n/);
    expect(text).toMatch(/route direct: (?:live|new) agent in [\d.]+ ms, opened \/tmp\/a\.log/);
    expect(text).not.toMatch(/route (?:mount|sidecar)/);
  });

  test("a name of several pods or containers is an error that lists them", async () => {
    const [a, b] = [namespace(), namespace()];
    const name = uniqueName("twin");
    for (const one of [a, b]) await (await node.pod({ namespace: one, name })).run({ name: "app" });
    const twins = await run(["cat", `pod:${name}:/etc/image`]);
    expect(twins).toMatchObject({ code: 3, text: "" });
    expect(twins.stderr).toBe(
      `porthole: 'pod:${name}' is ambiguous: there are the pods ${a}/${name} and ${b}/${name} (write for example pod:${a}/${name}:/path)\n`,
    );
    expect((await run(["cat", `pod:${b}/${name}:/etc/image`])).code).toBe(0);
    const pair = await node.pod({ namespace: a, name: `${name}-pair` });
    for (const one of ["app", "proxy"]) await pair.run({ name: one });
    expect((await run(["cat", `pod:${a}/${name}-pair:/etc/image`])).stderr).toBe(
      `porthole: 'pod:${a}/${name}-pair' is ambiguous: the pod has 2 containers: app, proxy (name one of them, such as pod:${a}/${name}-pair/app:/path)\n`,
    );
    expect((await run(["cat", `pod:${name}-pair/proxy:/etc/image`])).text).toBe("of the image\n");
    const both = await run(["cat", `pod:${a}/${name}-pair/*:/etc/image`]);
    expect(both.text).toBe("of the image\n".repeat(2));
  });

  test("kubectl's default container is used if a pod has several", async () => {
    const shop = namespace();
    const annotations = { "kubectl.kubernetes.io/default-container": "main" };
    const pod = await node.pod({ namespace: shop, name: "web", annotations });
    await pod.run({ name: "main", steps: ["write", "/tmp/who", "main"] });
    await pod.run({ name: "side", steps: ["write", "/tmp/who", "side"] });
    expect((await run(["cat", `pod:${shop}/web:/tmp/who`])).text).toBe("main\n");
  });

  test("@logs, @stdout and @stderr are the output of the container, with long lines whole", async () => {
    const shop = namespace();
    const pod = await node.pod({ namespace: shop, name: "web" });
    const long = "x".repeat(50_000);
    const begin = "echo one; busybox usleep 50000; echo two >&2; busybox usleep 50000";
    const target = await pod.run({
      name: "app",
      command: speaker(`${begin}; busybox head -c 50000 /dev/zero | busybox tr '\\0' x; echo; printf end`),
    });
    await waitFor("the log", () => fileHas(target.log, / F x+\n/));
    await say(target, "echo");
    await waitFor("the last line", () => fileHas(target.log, / F end\n/));
    const at = (path: string) => `pod:${shop}/web:${path}`;
    expect((await run(["cat", at("@stdout")])).text).toBe(`one\n${long}\nend\n`);
    expect((await run(["cat", at("@stderr")])).text).toBe("two\n");
    expect((await run(["cat", at("@logs")])).text).toBe(`one\ntwo\n${long}\nend\n`);
    expect((await run(["tail", "-n", "2", at("@logs")])).text).toBe(`${long}\nend\n`);
    expect((await run(["grep", "tw", at("@logs")])).text).toBe("two\n");
    const [first = ""] = (await run(["tail", "--json", "-n", "+1", at("@logs")])).text.split("\n");
    expect(JSON.parse(first)).toMatchObject({ line: "one", stream: "stdout" });
    await target.stop();
    expect((await run(["tail", "-n", "1", at("@logs")])).text).toBe("end\n");
  });

  test("tail -f of a log continues through rotations and reads files that were rotated earlier", async () => {
    const shop = namespace();
    const pod = await node.pod({ namespace: shop, name: "web" });
    const target = await pod.run({ name: "app", command: speaker() });
    const rotate = async (stamp: string) => {
      renameSync(target.log, `${target.log}.${stamp}`);
      await node.call("ReopenContainerLog", [[1, target.id]]);
    };
    const printed = async (line: string) => {
      await say(target, `echo ${line}`);
      await waitFor(
        `${line} in the log`,
        () => existsSync(target.log) && fileHas(target.log, new RegExp(` ${line}\n`)),
      );
    };
    await printed("one");
    await rotate("20240101-000001");
    writeFileSync(`${target.log}.20240101-000001.gz`, gzipSync(readFileSync(`${target.log}.20240101-000001`)));
    rmSync(`${target.log}.20240101-000001`);
    await printed("two");
    await rotate("20240101-000002");
    await printed("three");
    const at = `pod:${shop}/web:@logs`;
    expect((await run(["cat", at])).text).toBe("one\ntwo\nthree\n");
    expect((await run(["tail", "-n", "2", at])).text).toBe("two\nthree\n");
    const tail = follow(["-f", "-n", "+1", at]);
    await tail.shows("one\ntwo\nthree\n");
    await printed("four");
    await rotate("20240101-000003");
    await printed("five");
    await tail.shows("one\ntwo\nthree\nfour\nfive\n");
    await target.stop();
    await tail.running.ended;
    expect(tail.said()).toBe(
      `tail: pod:${shop}/web:@logs: the container has ended with status 137\ntail: no files remaining\n`,
    );
  });

  test("an exited container and an init container are read through their layers and mounts", async () => {
    const shop = namespace();
    const volume = mkdtempSync(`${inject("machine").directory}/volume-`);
    writeFileSync(`${volume}/kept`, "kept\n");
    const pod = await node.pod({ namespace: shop, name: "web" });
    const mounts = [{ source: volume, destination: "/data" }];
    const init = await pod.run({ name: "init", steps: ["write", "/tmp/made", "by init"], mounts });
    await init.stop();
    const at = `pod:${shop}/web`;
    expect((await run(["cat", `${at}:/tmp/made`, `${at}:/data/kept`, `${at}:/etc/image`])).text).toBe(
      "by init\nkept\nof the image\n",
    );
    expect(await run(["ps", at])).toMatchObject({ code: 3 });
    await pod.run({ name: "app", steps: ["write", "/tmp/made", "by app"] });
    expect((await run(["cat", `${at}:/tmp/made`, `${at}/init:/tmp/made`])).text).toBe("by app\nby init\n");
  });

  test("tail -F follows a restart by the kubelet and a recreated pod", async () => {
    const shop = namespace();
    let pod = await node.pod({ namespace: shop, name: "web" });
    const start = (attempt: number, text: string) =>
      pod.run({ name: "app", attempt, command: speaker(`echo ${text}; echo ${text} >/tmp/a.log`) });
    let target = await start(0, "first");
    const at = `pod:${shop}/web/app`;
    await waitFor("the file", async () => (await run(["cat", `${at}:/tmp/a.log`])).text === "first\n");
    const [files, output] = [follow(["-F", `${at}:/tmp/a.log`]), follow(["-F", `${at}:@logs`])];
    await files.shows("first\n");
    await output.shows("first\n");
    await target.stop();
    target = await start(1, "second");
    await files.shows("first\nsecond\n");
    await output.shows("first\nsecond\n");
    await pod.remove();
    pod = await node.pod({ namespace: shop, name: "web" });
    target = await start(0, "third");
    await files.shows("first\nsecond\nthird\n");
    await output.shows("first\nsecond\nthird\n");
  });

  test("a selector follows the pods that have its labels, including new ones, until they are removed", async () => {
    const shop = namespace();
    const labels = { app: "web", "app.kubernetes.io/part-of": "shop" };
    const start = async (name: string): Promise<{ pod: Pod; target: RunningPodContainer }> => {
      const pod = await node.pod({ namespace: shop, name, labels });
      return { pod, target: await pod.run({ name: "app", command: speaker(`echo ${name}`) }) };
    };
    const other = await node.pod({ namespace: shop, name: "other", labels: { app: "other" } });
    await other.run({ name: "app", command: speaker("echo other") });
    const first = await start("web-1");
    await waitFor("the log", () => fileHas(first.target.log, /web-1\n/));
    for (const selector of ["app=web", "app.kubernetes.io/part-of=shop", "app=web,app.kubernetes.io/part-of=shop"])
      expect((await run(["cat", `pod:${shop}/${selector}:@logs`])).text).toBe("web-1\n");
    const tail = follow(["-F", "--merge", `pod:${shop}/app=web:@logs`]);
    await tail.shows("web-1\n");
    await start("web-2");
    await waitFor("both", () => tail.text().includes("web-1") && tail.text().includes("web-2"));
    await first.pod.remove();
    await tail.says(`tail: pod:${shop}/web-1/app: the container was removed; no longer following it`);
    expect(tail.text()).not.toContain("other");
    await tail.stop();
    const none = await run(["cat", `pod:${shop}/app=none:@logs`]);
    expect(none).toMatchObject({ code: 3, text: "" });
    expect(none.stderr).toContain(`no pod matches '${shop}/*' with the label app=none`);
  });

  test("completion offers pods and the files of a pod", async () => {
    const shop = namespace();
    const pod = await node.pod({ namespace: shop, name: "web" });
    await pod.run({ name: "app" });
    const name = `pod:${shop}/web/app`;
    const offered = async (word: string) => {
      const words = ["cat", "--engine", `cri:${node.socket}`, word];
      return (await someone.run(["__complete", "zsh", "--", ...words])).text
        .split("\n")
        .map((line) => line.split("\t")[0]);
    };
    expect((await run(["ls", "--idle", "3600", `${name}:/`])).code).toBe(0);
    await waitFor("the pod among those offered", async () => (await offered("pod:")).includes(`${name}:`));
    await waitFor("its files", async () => (await offered(`${name}:/et`)).includes(`${name}:/etc/`));
    await waitFor("its output", async () => (await offered(`${name}:@`)).includes(`${name}:@logs`));
  });

  test("the screen lists pods by namespace and opens their files and their output", async () => {
    const shop = namespace();
    const pod = await node.pod({ namespace: shop, name: "web" });
    await pod.run({ name: "app", command: speaker("echo printed; echo content >/tmp/a.log") });
    const size = { columns: 140, rows: 50 };
    const on = ["--engine", `cri:${node.socket}`];
    const list = startScreen(someone, on, { size });
    await list.waitFor("the pod", has(`${shop} (Kubernetes)`, `pod:${shop}/web/app`, "direct"));
    const file = startScreen(someone, ["open", ...on, `pod:${shop}/web:/tmp/a.log`], { size });
    await file.waitFor("the file", has("content"));
  });

  test("an unreachable target is reported in one line with the remedy", async () => {
    const missing = `${inject("machine").directory}/none.sock`;
    const shop = namespace();
    await (await node.pod({ namespace: shop, name: "web" })).run({ name: "app" });
    const cases: [args: string[], code: number, stderr: string][] = [
      [
        ["cat", "pod:none:/etc/x"],
        3,
        `no such pod: 'none' (run kubectl get pods --all-namespaces --output wide to find its node)`,
      ],
      [["cat", "pod:a/b/c/d:/x"], 2, "'pod:a/b/c/d:/x': 'a/b/c/d' is not a valid pod name"],
      [["cat", "pod:web"], 2, "'pod:web' has no path that begins with a slash"],
      [["cat", "pod:web:@nothing"], 2, "'@nothing' is not an output stream"],
      [["cat", "pod:=x:/y"], 2, "invalid selector in 'pod:=x:/y'"],
      [
        ["cat", "--engine", `cri:${missing}`, "pod:web:/x"],
        3,
        `cannot ask the container runtime at ${missing}: nothing is listening there`,
      ],
      [["diff", `pod:${shop}/web`], 2, "only Docker and Podman support this, not a pod's container runtime"],
      [["cat", "--route", "sidecar", `pod:${shop}/web:/etc/image`], 4, "only the direct route can read a pod"],
      [["cat", "--engine", "docker", "pod:web:/x"], 2, "--engine: 'docker' has no pods"],
    ];
    for (const [args, code, stderr] of cases) {
      const given = args.includes("--engine") ? await someone.run(args) : await run(args);
      expect(given).toMatchObject({ code, text: "" });
      expect(given.stderr).toContain(stderr);
      expect(given.stderr.trim().split("\n")).toHaveLength(1);
    }
    const ordinary = user({ uid: ORDINARY_USER });
    const denied = await ordinary.run(["cat", "--engine", `cri:${node.socket}`, "pod:web:/x"]);
    expect(denied).toMatchObject({ code: 3, text: "" });
    expect(denied.stderr).toContain("permission denied (run porthole as root on the node)");
  });
}

function fileHas(path: string, pattern: RegExp): boolean {
  return pattern.test(readFileSync(path, "latin1"));
}

/** Makes the container run a shell command line. */
async function say({ pid }: RunningPodContainer, line: string): Promise<void> {
  const fifo = `/proc/${pid}/root/tmp/c`;
  await waitFor("the container to listen", () => existsSync(fifo));
  writeFileSync(fifo, `${line}\n`);
}
