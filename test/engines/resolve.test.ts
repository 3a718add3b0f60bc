import { linkSync } from "node:fs";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { isFullId } from "../../src/engines/api/engine-json.ts";
import { requireRunning, resolveContainer } from "../../src/engines/lookup/resolve.ts";
import { temporaryDirectory } from "../descriptors/fixtures.ts";
import { type FakeAnswer, fakeEngine } from "./fake-engine.ts";

const id = "0123456789abcdef".repeat(4);
const running = { Running: true, Status: "running", Pid: 42, StartedAt: "2026-01-02T03:04:05.678Z" };
const missing: FakeAnswer = { status: 404, body: { message: "No such container" } };
const found = (body: unknown): FakeAnswer => ({ status: 200, body });

/** Resolves `web` with an engine that has these responses by path, otherwise 404. */
async function resolve(answers: Record<string, FakeAnswer>, name = "web") {
  const { socketPath } = await fakeEngine((path) => answers[decodeURIComponent(path)] ?? missing);
  return requireRunning(await resolveContainer(name, socketPath, "/run/porthole"));
}

const labelled = (...labels: string[]) =>
  `/containers/json?all=true&filters=${JSON.stringify({ label: labels.map((label) => `com.docker.compose.${label}`) })}`;
const services = (name: string) => labelled(`service=${name}`);
/** Makes a container as an entry of a list. */
const member = (Id: string, project: string, number: string, more: object = {}) => ({
  ...{ Id, Names: [`/${project}-web-${number}`], State: "running", ...more },
  Labels: { "com.docker.compose.project": project, "com.docker.compose.container-number": number },
});

test("a full id is 64 hexadecimal digits in lower case", () => {
  expect([id, id.slice(1), `${id}0`, id.toUpperCase(), `${id.slice(1)}g`].map(isFullId)).toEqual([
    ...[true, false, false, false, false],
  ]);
});

describe("a running container", () => {
  test("is described with everything that the routes need", async () => {
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

  test("needs only an id and a state", async () => {
    expect(await resolve({ "/containers/web/json": found({ Id: id, State: { Running: true } }) })).toMatchObject({
      ...{ id, name: "web", startedAt: "", pid: 0, paused: false, pidMode: "", usernsMode: "", privileged: false },
      ...{ devices: [], deviceCgroupRules: [], portholeMount: undefined },
    });
    const nulls = { Id: id, State: running, HostConfig: { Devices: null, DeviceCgroupRules: null }, Mounts: null };
    expect(await resolve({ "/containers/web/json": found(nulls) })).toMatchObject({ devices: [] });
  });

  test("is found by the name of its Compose service if the service has no other container", async () => {
    const answers = {
      [services("api")]: found([{ Id: id }]),
      [`/containers/${id}/json`]: found({ Id: id, State: running }),
    };
    expect(await resolve(answers, "api")).toMatchObject({ id, name: "api" });
  });

  test("is found by its number in its service, by its project and its service, and by all three", async () => {
    const inspected = { [`/containers/${id}/json`]: found({ Id: id, State: running }) };
    const list = found([{ Id: id }]);
    const numbered = labelled("service=web", "container-number=2");
    expect(await resolve({ [numbered]: list, ...inspected }, "web-2")).toMatchObject({ id });
    const project = labelled("service=web", "project=shop");
    expect(await resolve({ [project]: list, ...inspected }, "shop/web")).toMatchObject({ id });
    const all = labelled("service=web", "project=shop", "container-number=2");
    expect(await resolve({ [all]: list, ...inspected }, "shop/web-2")).toMatchObject({ id });
  });

  test("of a service is preferred to ended containers, and to those of `docker compose run`", async () => {
    const oneOff = { Labels: { "com.docker.compose.oneoff": "True" } };
    const list = [member(id, "a", "1"), member("e".repeat(64), "a", "2", { State: "exited" })];
    const answers = {
      [services("web")]: found([...list, { Id: "d".repeat(64), ...oneOff }]),
      [`/containers/${id}/json`]: found({ Id: id, State: running }),
    };
    expect(await resolve(answers)).toMatchObject({ id });
  });

  test("whose id begins like the name of a service is found only without such a service", async () => {
    const short = id.slice(0, 2);
    const byPrefix = { [`/containers/${short}/json`]: found({ Id: id, Name: "/other", State: running }) };
    const service = "f".repeat(64);
    const answers = {
      [services(short)]: found([{ Id: service }]),
      [`/containers/${service}/json`]: found({ Id: service, State: running }),
    };
    expect(await resolve({ ...byPrefix, ...answers }, short)).toMatchObject({ id: service });
    expect(await resolve(byPrefix, short)).toMatchObject({ id });
    const named = { [`/containers/${short}/json`]: found({ Id: id, Name: `/${short}`, State: running }) };
    expect(await resolve({ ...named, ...answers }, short)).toMatchObject({ id });
  });

  test("is requested by a name that cannot change the request", async () => {
    const name = "..%2fimages%2fjson?a=b c\r\nX: y";
    expect(await resolve({ [`/containers/${name}/json`]: found({ Id: id, State: running }) }, name)).toMatchObject({
      id,
    });
  });
});

describe("a name is refused with a remedy:", () => {
  const wrong = (path: string, complaint: string) =>
    new RegExp(`^the engine at .+ sent an invalid response to GET /${path}: ${complaint.replace(/[[\].]/g, "\\$&")}$`);
  const cases: [string, Record<string, FakeAnswer>, RegExp][] = [
    ["a container that does not exist", {}, /^no such container: 'web'$/],
    [
      "a container whose letters were exchanged",
      {
        "/containers/json?all=true": found([
          { Id: id, Names: ["/wbe"] },
          { Id: id, Names: ["/other"] },
        ]),
      },
      /^no such container: 'web'; similar containers: wbe$/,
    ],
    [
      "one that was created a moment later",
      { "/containers/json?all=true": found([{ Id: id, Names: ["/web"] }]) },
      /^no such container: 'web'$/,
    ],
    [
      "one that Podman removes during the request",
      {
        "/containers/web/json": {
          status: 500,
          body: { message: "container 58146ab68c85 does not exist in database: no such container" },
        },
      },
      /^no such container: 'web'$/,
    ],
    [
      "one that is being removed",
      { "/containers/web/json": found({ Id: id, Name: "/web", State: { Running: false, Status: "removing" } }) },
      /^container 'web' is being removed$/,
    ],
    [
      "the beginning of a name, or of a Compose service",
      {
        "/containers/json?all=true": found([
          { Id: id, Names: ["/shop-2"], Labels: { "com.docker.compose.service": "website" } },
          { Id: id, Names: ["/web-1"], Labels: { "io.porthole.sidecar": "1" } },
          { Id: id, Names: ["/web-9"] },
        ]),
      },
      /^no such container: 'web'; similar containers: web-9, website$/,
    ],
    [
      "a Compose service with several",
      { [services("web")]: found([{ Id: id, Names: ["/x-web-1"] }, { Id: "f".repeat(64) }]) },
      /^Compose service 'web' is ambiguous: it has 2 containers: x-web-1, f{12}$/,
    ],
    [
      "a Compose service with several, by what to type for each",
      { [services("web")]: found([member("f".repeat(64), "shop", "10"), member(id, "shop", "2")]) },
      /^Compose service 'web' is ambiguous: it has 2 containers: web-2, web-10$/,
    ],
    [
      "a Compose service of several projects",
      { [services("web")]: found([member("f".repeat(64), "shop", "1"), member(id, "blog", "1")]) },
      /^Compose service 'web' is ambiguous: it has 2 containers: blog\/web, shop\/web$/,
    ],
    [
      "a Compose service with several in several projects",
      {
        [services("web")]: found(["1", "2"].flatMap((n) => ["a", "b"].map((p) => member(`${n}${p}`.repeat(32), p, n)))),
      },
      /^Compose service 'web' is ambiguous: it has 4 containers: a\/web-1, a\/web-2, b\/web-1, b\/web-2$/,
    ],
    ["a Compose service that went away meanwhile", { [services("web")]: found([{ Id: id }]) }, /^no such container/],
    [
      "a list that is none",
      { [services("web")]: found("odd") },
      wrong("containers/json", 'the response is "odd", not a list'),
    ],
    [
      "one that has ended",
      { "/containers/web/json": found({ Id: id, Name: "/web", State: { Running: false, Status: "exited" } }) },
      /^container 'web' is not running \(exited\)$/,
    ],
    [
      "one that was never started",
      { "/containers/web/json": found({ Id: id, Name: "/web", State: { Running: false, Status: "created" } }) },
      /^container 'web' was never started$/,
    ],
    [
      "one that the engine gave up on",
      { "/containers/web/json": found({ Id: id, Name: "/web", State: { Running: false, Status: "dead" } }) },
      /^container 'web' is dead$/,
    ],
    [
      "one that is restarting",
      { "/containers/web/json": found({ Id: id, State: { ...running, Restarting: true, ExitCode: 3 } }) },
      /^container 'web' is restarting \(exit status 3\)$/,
    ],
    [
      "an id that is none",
      { "/containers/web/json": found({ Id: "../../etc", State: running }) },
      wrong("containers/web/json", 'Id is "../../etc", not an id of 64 hexadecimal digits'),
    ],
    ...(
      [
        [[], "the response is a list, not an object"],
        [null, "the response is missing, not an object"],
        [7, "the response is 7, not an object"],
        [{ State: running }, "Id is missing, not an id of 64 hexadecimal digits"],
        [{ Id: id }, "State is missing, not an object"],
        [{ Id: id, State: "running" }, 'State is "running", not an object'],
        [{ Id: id, State: { ...running, Pid: "42" } }, 'State.Pid is "42", not a whole number'],
        [{ Id: id, State: { ...running, Pid: 2 ** 40 } }, "State.Pid is 1099511627776, not a whole number"],
        [{ Id: id, State: { ...running, Paused: "no" } }, 'State.Paused is "no", not true or false'],
        [{ Id: id, State: { ...running, StartedAt: 5 } }, "State.StartedAt is 5, not a string"],
        [{ Id: id, State: running, Name: ["/web"] }, "Name is a list, not a string"],
        [
          { Id: id, State: running, Name: `/${"x".repeat(70_000)}` },
          `Name is "/${"x".repeat(39)}"..., not a string of at most 65536 characters`,
        ],
        [{ Id: id, State: running, Mounts: {} }, "Mounts is an object, not a list"],
        [{ Id: id, State: running, Mounts: [null, "x"] }, 'Mounts[1] is "x", not an object'],
        [{ Id: id, State: running, Mounts: [{ Source: true }] }, "Mounts[0].Source is true, not a string"],
        [{ Id: id, State: running, HostConfig: [] }, "HostConfig is a list, not an object"],
        [
          { Id: id, State: running, HostConfig: { Devices: ["/dev/x"] } },
          'HostConfig.Devices[0] is "/dev/x", not an object',
        ],
        [
          { Id: id, State: running, HostConfig: { Runtime: "x".repeat(50) + 1, UsernsMode: 1 } },
          "HostConfig.UsernsMode is 1, not a string",
        ],
      ] as const
    ).map(([answer, complaint]): [string, Record<string, FakeAnswer>, RegExp] => [
      `an answer where ${complaint}`,
      { "/containers/web/json": found(answer) },
      wrong("containers/web/json", complaint),
    ]),
    [
      "an engine's own refusal",
      { "/containers/web/json": { status: 500, body: { message: "storage is gone" } } },
      /cannot inspect 'web': storage is gone$/,
    ],
    [
      "a refusal without words",
      { "/containers/web/json": { status: 503, body: undefined } },
      /cannot inspect 'web': HTTP status 503$/,
    ],
    [
      "words that are none",
      { "/containers/web/json": { status: 400, body: { message: { a: 1 } } } },
      /cannot inspect 'web': HTTP status 400$/,
    ],
  ];

  test("for the common prefix of several ids", async () => {
    const several = { status: 400, body: { message: "Multiple IDs found with provided prefix: fee" } };
    const list = (body: unknown) => ({ "/containers/fee/json": several, "/containers/json?all=true": found(body) });
    const [one, two] = [`fee${"0".repeat(61)}`, `fee${"1".repeat(61)}`];
    const answers = list([
      { Id: one, Names: ["/b"] },
      { Id: two, Names: ["/a"] },
      { Id: id, Names: ["/web2"] },
    ]);
    await expect(resolve(answers, "fee")).rejects.toThrow(
      /^id prefix 'fee' is ambiguous: a \(fee1{9}\), b \(fee0{9}\)$/,
    );
    await expect(resolve(list([{ Id: one, Names: "b" }]), "fee")).rejects.toThrow(
      wrong("containers/json", '[0].Names is "b", not a list'),
    );
  });

  test.each(cases)("%s", async (_, answers, complaint) => {
    await expect(resolve(answers)).rejects.toMatchObject({ code: "TARGET", message: expect.stringMatching(complaint) });
  });
});

describe("with several engines", () => {
  /** Links the default sockets, in a runtime directory of this test, to these engines. */
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

  test("a container that two engines have is ambiguous", async () => {
    const [one, two] = await Promise.all(
      [id, "f".repeat(64)].map((Id) => fakeEngine(() => found({ Id, State: running }))),
    );
    await usual(one?.socketPath ?? "", two?.socketPath ?? "");
    await expect(resolveContainer("web", undefined, "/run/porthole")).rejects.toMatchObject({
      ...{ code: "TARGET", hint: "choose an engine, such as --engine rootless-docker" },
      message:
        "'web' is ambiguous: several engines have a container of that name: web in rootless-docker, web in rootless-podman",
    });
  });

  test("an engine with two sockets is one engine", async () => {
    const { socketPath } = await fakeEngine(() => found({ Id: id, State: running }));
    await usual(socketPath, socketPath);
    expect(requireRunning(await resolveContainer("web", undefined, "/run/porthole"))).toMatchObject({ id });
  });

  test("one engine with the container is enough, even if others fail", async () => {
    const has = await fakeEngine(() => found({ Id: id, State: running }));
    const broken = await fakeEngine(() => ({ status: 500, body: undefined }));
    await usual(broken.socketPath, has.socketPath);
    expect(requireRunning(await resolveContainer("web", undefined, "/run/porthole"))).toMatchObject({ id });
  });

  test("the error of a missing container includes the errors of engines", async () => {
    const has = await fakeEngine(() => missing);
    const broken = await fakeEngine(() => ({ status: 500, body: undefined }));
    await usual(broken.socketPath, has.socketPath);
    await expect(resolveContainer("web", undefined, "/run/porthole")).rejects.toThrow(
      /^no such container: 'web' in (\S+ )*rootless-docker, rootless-podman; the engine at .+ cannot inspect 'web': HTTP status 500$/,
    );
  });

  test("a container of one engine is ambiguous with a service of another engine", async () => {
    const has = await fakeEngine(() => found({ Id: id, State: running }));
    const list = [member("f".repeat(64), "shop", "1"), member("e".repeat(64), "shop", "2")];
    const several = await fakeEngine((path) => (decodeURIComponent(path) === services("web") ? found(list) : missing));
    await usual(several.socketPath, has.socketPath);
    await expect(resolveContainer("web", undefined, "/run/porthole")).rejects.toThrow("has 2 containers: web-1, web-2");
  });
});

test("an interrupt ends the request", async () => {
  const { socketPath } = await fakeEngine(() => "silence");
  const controller = new AbortController();
  const asked = resolveContainer("web", socketPath, "/run/porthole", controller.signal);
  controller.abort();
  await expect(asked).rejects.toMatchObject({ code: "CANCELLED" });
});
