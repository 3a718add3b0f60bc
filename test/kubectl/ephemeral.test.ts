import { describe, expect, test } from "vitest";
import { safeStreams } from "../../cli/kubectl/calls/safe-streams.ts";
import { parseRequest } from "../../cli/kubectl/command-line/arguments.ts";
import { optionTable } from "../../cli/kubectl/command-line/option-table.ts";
import { remedyFor } from "../../cli/kubectl/helpers/container-state.ts";
import { debugAttempts } from "../../cli/kubectl/helpers/debug-attempts.ts";
import { debuggedPod } from "../../cli/kubectl/helpers/debugged-pod.ts";
import { PodNames } from "../../cli/kubectl/pods/pod-names.ts";
import type { Streams } from "../../src/elsewhere/index.ts";

const pod = (spec: object, status: object = {}, annotations: object = {}) =>
  debuggedPod(JSON.stringify({ metadata: { name: "web-0", namespace: "shop", annotations }, spec, status }));
const [app, log] = [{ name: "app" }, { name: "log" }];

describe("the pod of an ephemeral container", () => {
  test("has one container, a default container, or the container that the command line names", () => {
    expect(pod({ containers: [app] }).target(undefined)).toBe("app");
    expect(pod({ containers: [app, log] }).target("log")).toBe("log");
    const annotations = { "kubectl.kubernetes.io/default-container": "log" };
    expect(pod({ containers: [app, log] }, {}, annotations).target(undefined)).toBe("log");
    expect(() => pod({ containers: [app, log] }).target(undefined)).toThrow("web-0 has several containers: app, log");
    expect(() => pod({ containers: [app] }).target("db")).toThrow("web-0 has no container 'db': app");
  });

  test("is refused if the container does not run, before a container is added", () => {
    const of = (state: object) => () =>
      pod({ containers: [app] }, { containerStatuses: [{ name: "app", state }] }).target("app");
    expect(of({ running: {} })()).toBe("app");
    expect(of({ waiting: { reason: "ErrImagePull" } })).toThrow(
      "the container app of web-0 is not running: ErrImagePull",
    );
    expect(of({ terminated: { reason: "Completed" } })).toThrow("the container app of web-0 is not running: Completed");
  });

  test("is refused if process 1 is not the container's: with shared processes, or those of the node", () => {
    expect(() => pod({ containers: [app], shareProcessNamespace: true }).target("app")).toThrow(
      "share a PID namespace",
    );
    expect(() => pod({ containers: [app], hostPID: true }).target("app")).toThrow(
      "shares the PID namespace of its node",
    );
  });

  test("reports which ephemeral containers run, and why others do not", () => {
    const one = (name: string) => ({ name, image: "i", targetContainerName: "app" });
    const { ephemeral } = pod(
      { containers: [app], ephemeralContainers: ["a", "b", "c", "d", "e"].map(one) },
      {
        ephemeralContainerStatuses: [
          { name: "a", state: { running: {} } },
          { name: "b", state: { waiting: { reason: "ContainerCreating" } } },
          { name: "c", state: { waiting: { reason: "ImagePullBackOff" } } },
          { name: "d", state: { terminated: { reason: "Completed" } } },
          { name: "e", state: { waiting: { reason: "CreateContainerConfigError", message: "runs as root" } } },
        ],
      },
    );
    expect(ephemeral.map(({ name, isRunning, hasFailed, reason }) => [name, isRunning, hasFailed, reason])).toEqual([
      ["a", true, false, ""],
      ["b", false, false, "ContainerCreating"],
      ["c", false, true, "ImagePullBackOff"],
      ["d", false, true, "Completed"],
      ["e", false, true, "CreateContainerConfigError: runs as root"],
    ]);
  });

  test.each([
    ["an ordinary container", { containers: [app] }, true],
    [
      "an added capability",
      { containers: [{ name: "app", securityContext: { capabilities: { add: ["NET_RAW"] } } }] },
      true,
    ],
    [
      "SYS_ADMIN",
      { containers: [{ name: "app", securityContext: { capabilities: { add: ["CAP_SYS_ADMIN"] } } }] },
      false,
    ],
    ["all capabilities", { containers: [{ name: "app", securityContext: { capabilities: { add: ["all"] } } }] }, false],
    ["a privileged container", { containers: [app, { name: "log", securityContext: { privileged: true } }] }, false],
    [
      "a privileged init container",
      { containers: [app], initContainers: [{ name: "i", securityContext: { privileged: true } }] },
      false,
    ],
    [
      "another ephemeral container that may mount",
      { containers: [app], ephemeralContainers: [{ name: "e", image: "i", securityContext: { privileged: true } }] },
      false,
    ],
  ])("may have mounts of its own with SYS_ADMIN in any container: %s", (_, spec, isOfRuntime) => {
    expect(pod(spec).hasOnlyRuntimeMounts).toBe(isOfRuntime);
  });

  test("cannot control an ephemeral container of root with SYS_PTRACE, unless its container has that too", () => {
    const add = (...capabilities: string[]) => ({ securityContext: { capabilities: { add: capabilities } } });
    const one = (added: object) => ({ name: "e", image: "i", targetContainerName: "app", ...added });
    const isProtected = (target: object, added: object, shared: object = {}) =>
      pod({
        ...{ containers: [{ name: "app", ...target }], ephemeralContainers: [one(added)] },
        securityContext: shared,
      }).isProtected("e");
    expect(isProtected({}, add("SYS_PTRACE"))).toBe(true);
    expect(isProtected({}, {})).toBe(false);
    expect(isProtected(add("SYS_PTRACE"), add("SYS_PTRACE"))).toBe(false);
    expect(isProtected({ securityContext: { privileged: true } }, add("SYS_PTRACE"))).toBe(false);
    expect(isProtected({}, add("SYS_PTRACE"), { runAsUser: 1000 })).toBe(false);
  });
});

describe("the profile of an ephemeral container", () => {
  const attempts = (spec: object, asked?: string, status?: object) =>
    debugAttempts(pod({ containers: [app], ...spec }, status), "app", asked);

  test("adds SYS_PTRACE for a container that runs as root, and no capability if Pod Security refuses it", () => {
    expect(attempts({})).toEqual([{ profile: "general" }, { profile: "baseline" }]);
    expect(attempts({ securityContext: { runAsUser: 0 } })).toEqual([{ profile: "general" }, { profile: "baseline" }]);
  });

  test("has the user and no capability for a container that does not run as root", () => {
    const own = { containers: [{ name: "app", securityContext: { runAsUser: 1000, runAsGroup: 2000 } }] };
    const custom = { securityContext: { runAsUser: 1000, runAsGroup: 2000 } };
    expect(attempts(own)).toEqual([{ profile: "restricted", custom }]);
    expect(attempts(own, "baseline")).toEqual([{ profile: "baseline", custom }]);
    expect(attempts(own, "general")).toEqual([{ profile: "general" }]);
    const status = { containerStatuses: [{ name: "app", user: { linux: { uid: 1000, gid: 2000 } } }] };
    expect(attempts({}, undefined, status)).toEqual([{ profile: "restricted", custom }]);
  });

  test("uses the user of the pod's security context, without --custom", () => {
    expect(attempts({ securityContext: { runAsUser: 1000 } })).toEqual([{ profile: "restricted" }]);
  });

  test("is refused if the pod forbids root and specifies no other user", () => {
    expect(() => attempts({ securityContext: { runAsNonRoot: true } })).toThrow(
      "shop/web-0 forbids containers that run as root, and the user of its container is unknown",
    );
  });
});

test.each([
  ["", "the node must have the image i"],
  ["ImagePullBackOff", "the node must have the image i"],
  ["StartError: exec /usr/local/bin/node: exec format error", "i is for another processor than that of the node"],
  ["CreateContainerConfigError: runs as root", "more"],
])("a container that does not start because of %j has the remedy %j", (reason, remedy) => {
  expect(remedyFor(reason, "i", "more")).toContain(remedy);
});

test("the name of a pod is translated to process 1 in an ephemeral container, and back in messages", async () => {
  const names = new PodNames("shop/web-0");
  const there = ["pod:shop/web-0:/a:b", "pod:shop/web-0/app:/a", "pod:shop/web-0", "pod:shop/web-01:/a", "--x"];
  const expected = ["pid:1:/a:b", "pid:1:/a", "pid:1", "pod:shop/web-01:/a", "--x"];
  expect(there.map((word) => names.there(word))).toEqual(expected);
  const shown = names.shown();
  shown.end("cannot open pid:1:/none\n");
  let text = "";
  for await (const piece of shown) text += piece;
  expect(text).toBe("cannot open pod:shop/web-0:/none\n");
});

test("on a terminal the output of an ephemeral container is text and colours only; a pipe gets every byte", async () => {
  const hostile = Buffer.from("\x1b[31mred\x1b[0m \x1b]0;title\x07 \x1b[2Jgone\r\n");
  const printed = async (kind: "terminal" | "pipe") => {
    const pieces: Buffer[] = [];
    const streams = {
      kinds: ["null", kind, kind],
      write: (_: 1 | 2, bytes: Buffer) => void pieces.push(bytes),
    } as unknown as Streams;
    const safe = safeStreams(streams);
    safe.streams.write(1, hostile);
    // Without a newline: the output may continue with the rest of a colour.
    safe.streams.write(1, Buffer.from("\x1b[3"));
    await safe.end();
    return Buffer.concat(pieces).toString();
  };
  expect(await printed("pipe")).toBe(`${hostile}\x1b[3`);
  expect(await printed("terminal")).toMatch(
    /^\x1b\[31mred\x1b\[0m [^\x1b\x07]*title[^\x1b\x07]*gone\n[^\x1b]*\[3(\x1b\[0m)?$/,
  );
});

test("--ephemeral, --profile and --image are options of the plugin, before and after the command", () => {
  const parsed = (line: string) => parseRequest(line.split(" "), optionTable);
  const lines = ["--ephemeral cat web-0:/a", "cat --ephemeral web-0:/a", "cat web-0:/a"];
  expect(lines.map((line) => parsed(line).isEphemeral)).toEqual([true, true, false]);
  expect(parsed("cat --ephemeral --profile=baseline web-0:/a").profile).toBe("baseline");
  expect(parsed("cat --image=porthole:1 web-0:/a").image).toBe("porthole:1");
  expect(() => parsed("cat --profile general web-0:/a")).toThrow("--profile needs --ephemeral");
});
