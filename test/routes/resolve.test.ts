import { linkSync } from "node:fs";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { isFullId, resolveContainer } from "../../src/routes/resolve.ts";
import { temporaryDirectory } from "../descriptors/fixtures.ts";
import { type FakeAnswer, fakeEngine } from "./fake-engine.ts";

const id = "0123456789abcdef".repeat(4);
const running = { Running: true, Status: "running", Pid: 42, StartedAt: "2026-01-02T03:04:05.678Z" };
const missing: FakeAnswer = { status: 404, body: { message: "No such container" } };
const found = (body: unknown): FakeAnswer => ({ status: 200, body });

/** Resolves `web` at an engine that gives these answers by path, 404 else. */
async function resolve(answers: Record<string, FakeAnswer>, name = "web") {
  const { socketPath } = await fakeEngine((path) => answers[decodeURIComponent(path)] ?? missing);
  return resolveContainer(name, socketPath, "/run/porthole");
}

const services = (name: string) => `/containers/json?filters={"label":["com.docker.compose.service=${name}"]}`;

test("a full id is 64 hexadecimal digits in lower case", () => {
  expect([id, id.slice(1), `${id}0`, id.toUpperCase(), `${id.slice(1)}g`].map(isFullId)).toEqual([
    ...[true, false, false, false, false],
  ]);
});

describe("a running container", () => {
  test("is described with all that the routes need", async () => {
    const answer = found({
      ...{ Id: id, Name: "/web", State: { ...running, Paused: true } },
      HostConfig: {
        ...{ PidMode: "host", UsernsMode: "host", Privileged: true },
        ...{ Devices: [{ PathOnHost: "/dev/null" }], DeviceCgroupRules: ["c 1:3 r"] },
      },
      Mounts: [
        { Destination: "/data", Source: "/elsewhere" },
        { Destination: "/run/porthole", Source: "/state/mnt" },
      ],
    });
    expect(await resolve({ "/containers/web/json": answer })).toMatchObject({
      ...{ id, name: "web", startedAt: running.StartedAt, pid: 42, paused: true, pidMode: "host", usernsMode: "host" },
      ...{ privileged: true, isPodman: false, devices: [{ PathOnHost: "/dev/null" }], deviceCgroupRules: ["c 1:3 r"] },
      portholeMount: "/state/mnt",
    });
  });

  test("may lack everything but its id and its state", async () => {
    expect(await resolve({ "/containers/web/json": found({ Id: id, State: { Running: true } }) })).toMatchObject({
      ...{ id, name: "web", startedAt: "", pid: 0, paused: false, pidMode: "", usernsMode: "", privileged: false },
      ...{ devices: [], deviceCgroupRules: [], portholeMount: undefined },
    });
    const nulls = { Id: id, State: running, HostConfig: { Devices: null, DeviceCgroupRules: null }, Mounts: null };
    expect(await resolve({ "/containers/web/json": found(nulls) })).toMatchObject({ devices: [] });
  });

  test("is found by the name of its Compose service when it is the only one", async () => {
    const answers = {
      [services("api")]: found([{ Id: id }]),
      [`/containers/${id}/json`]: found({ Id: id, State: running }),
    };
    expect(await resolve(answers, "api")).toMatchObject({ id, name: "api" });
  });

  test("is asked for by a name that cannot leave its place in the question", async () => {
    const name = "../images/json?a=b c\r\nX: y";
    expect(await resolve({ [`/containers/${name}/json`]: found({ Id: id, State: running }) }, name)).toMatchObject({
      id,
    });
  });
});

describe("refused, with what to do:", () => {
  const cases: [string, Record<string, FakeAnswer>, RegExp][] = [
    ["a container that does not exist", {}, /^no such container: 'web'$/],
    [
      "a Compose service with several",
      { [services("web")]: found([{ Id: id, Names: ["/x-web-1"] }, { Id: "f".repeat(64) }]) },
      /^the Compose service 'web' has 2 containers: x-web-1, f{12}$/,
    ],
    ["a Compose service that went away meanwhile", { [services("web")]: found([{ Id: id }]) }, /^no such container/],
    ["a list that is none", { [services("web")]: found("odd") }, /^no such container/],
    [
      "one that has ended",
      { "/containers/web/json": found({ Id: id, Name: "/web", State: { Running: false, Status: "exited" } }) },
      /^container 'web' is not running \(exited\)$/,
    ],
    [
      "one that is restarting",
      { "/containers/web/json": found({ Id: id, State: { ...running, Restarting: true } }) },
      /^container 'web' is restarting$/,
    ],
    [
      "an id that is none",
      { "/containers/web/json": found({ Id: "../../etc", State: running }) },
      /describes 'web' in a form that is not Docker's$/,
    ],
    ["an answer without a state", { "/containers/web/json": found({ Id: id }) }, /not Docker's$/],
    ["an answer that is a list", { "/containers/web/json": found([]) }, /not Docker's$/],
    [
      "an engine's own refusal",
      { "/containers/web/json": { status: 500, body: { message: "storage is gone" } } },
      /cannot tell about 'web': storage is gone$/,
    ],
    [
      "a refusal without words",
      { "/containers/web/json": { status: 503, body: undefined } },
      /cannot tell about 'web': HTTP status 503$/,
    ],
    [
      "words that are none",
      { "/containers/web/json": { status: 400, body: { message: { a: 1 } } } },
      /cannot tell about 'web': HTTP status 400$/,
    ],
  ];

  test.each(cases)("%s", async (_, answers, complaint) => {
    await expect(resolve(answers)).rejects.toMatchObject({ code: "TARGET", message: expect.stringMatching(complaint) });
  });
});

describe("of several engines", () => {
  /** The usual sockets, in a runtime directory of the test's own. */
  async function usual(docker: string, podman: string): Promise<void> {
    vi.stubEnv("XDG_RUNTIME_DIR", docker.slice(0, docker.lastIndexOf("/")));
    for (const name of ["DOCKER_HOST", "DOCKER_CONTEXT"]) vi.stubEnv(name, "");
    vi.stubEnv("HOME", temporaryDirectory());
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });
    const { mkdirSync, symlinkSync } = await import("node:fs");
    const runtime = process.env.XDG_RUNTIME_DIR ?? "";
    linkSync(docker, `${runtime}/docker.sock`);
    mkdirSync(`${runtime}/podman`);
    symlinkSync(podman, `${runtime}/podman/podman.sock`);
  }

  test("two with a container of the name: which one is meant has to be said", async () => {
    const [one, two] = await Promise.all(
      [id, "f".repeat(64)].map((Id) => fakeEngine(() => found({ Id, State: running }))),
    );
    await usual(one?.socketPath ?? "", two?.socketPath ?? "");
    await expect(resolveContainer("web", undefined, "/run/porthole")).rejects.toMatchObject({
      ...{ code: "TARGET", hint: "choose one with --engine" },
      message: expect.stringMatching(/^'web' is a container of several engines: \S+docker.sock, \S+podman.sock$/),
    });
  });

  test("one with two sockets is one engine", async () => {
    const { socketPath } = await fakeEngine(() => found({ Id: id, State: running }));
    await usual(socketPath, socketPath);
    expect(await resolveContainer("web", undefined, "/run/porthole")).toMatchObject({ id });
  });

  test("one that has the container is enough, whatever the others say", async () => {
    const has = await fakeEngine(() => found({ Id: id, State: running }));
    const broken = await fakeEngine(() => ({ status: 500, body: undefined }));
    await usual(broken.socketPath, has.socketPath);
    expect(await resolveContainer("web", undefined, "/run/porthole")).toMatchObject({ id });
  });

  test("none that has it: the failure of one that could not tell comes before 'no such container'", async () => {
    const has = await fakeEngine(() => missing);
    const broken = await fakeEngine(() => ({ status: 500, body: undefined }));
    await usual(broken.socketPath, has.socketPath);
    await expect(resolveContainer("web", undefined, "/run/porthole")).rejects.toThrow("cannot tell about 'web'");
  });
});

test("an interrupt ends the question", async () => {
  const { socketPath } = await fakeEngine(() => "silence");
  const controller = new AbortController();
  const asked = resolveContainer("web", socketPath, "/run/porthole", controller.signal);
  controller.abort();
  await expect(asked).rejects.toMatchObject({ code: "CANCELLED" });
});
