import { createHash } from "node:crypto";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { commandOf, engineGet, engines, errorMessageOf } from "../../src/engines/api/engine.ts";
import { engineAddress } from "../../src/engines/api/engine-address.ts";
import { temporaryDirectory } from "../descriptors/fixtures.ts";
import { fakeEngine } from "./fake-engine.ts";

/**
 * Makes a home directory whose docker configuration has these contexts. The first is the current
 * one unless `current` names another.
 */
function homeWithContexts(contexts: Record<string, string | undefined>, current?: string): string {
  const home = temporaryDirectory();
  mkdirSync(`${home}/.docker`);
  writeFileSync(
    `${home}/.docker/config.json`,
    JSON.stringify({ currentContext: current ?? Object.keys(contexts)[0], auths: {} }),
  );
  for (const [name, host] of Object.entries(contexts)) {
    const meta = `${home}/.docker/contexts/meta/${createHash("sha256").update(name).digest("hex")}`;
    mkdirSync(meta, { recursive: true });
    writeFileSync(
      `${meta}/meta.json`,
      JSON.stringify({ Name: name, Metadata: {}, Endpoints: { docker: { Host: host } } }),
    );
  }
  return home;
}

/**
 * Returns paths and names of the engines found below `directory`, because the machine may have
 * other engines.
 */
function foundBelow(directory: string, environment: NodeJS.ProcessEnv, explicit?: string): string[][] {
  return engines(explicit, environment)
    .filter(({ socketPath }) => socketPath.startsWith(directory))
    .map(({ socketPath, source, name }) => [socketPath.slice(directory.length), source, name]);
}

describe("the queried engines", () => {
  const nowhere = { HOME: "/none", XDG_RUNTIME_DIR: "/none" };

  test("are only the engine of --engine, if it is given", () => {
    const environment = { ...nowhere, DOCKER_HOST: "unix:///other.sock" };
    for (const address of ["/run/x.sock", "unix:///run/x.sock"]) {
      expect(engines(address, environment)).toEqual([
        { socketPath: "/run/x.sock", source: "--engine", name: "/run/x.sock" },
      ]);
    }
  });

  test("are found by the name of a docker context or of a default socket", () => {
    const HOME = homeWithContexts({ mine: "unix:///mine.sock", far: "ssh://me@box.example:2222" }, "default");
    const environment = { HOME, DOCKER_HOST: "unix:///other.sock" };
    expect(engines("mine", environment)).toEqual([
      { socketPath: "/mine.sock", source: "context 'mine'", name: "mine" },
    ]);
    expect(engines("default", environment)).toEqual([
      { socketPath: "/var/run/docker.sock", source: "--engine", name: "docker" },
    ]);
    expect(() => engines("far", environment)).toThrow(
      expect.objectContaining({
        code: "TARGET",
        message: expect.stringMatching(/^context 'far': cannot use .* it is another machine/),
        hint: "run porthole there: ssh -p 2222 -t me@box.example porthole ...",
      }),
    );
    expect(() => engines("none", environment)).toThrow("no such docker context: 'none'");
    expect(engines("podman", environment)).toEqual([
      { socketPath: "/run/podman/podman.sock", source: "--engine", name: "podman" },
    ]);
    expect(engines("podman", { HOME: homeWithContexts({ podman: "unix:///other.sock" }) })[0]?.socketPath).toBe(
      "/other.sock",
    );
  });

  test("are only the engine of DOCKER_HOST, even if a context is set", () => {
    const environment = { HOME: homeWithContexts({ mine: "unix:///context.sock" }), DOCKER_HOST: "unix:///host.sock" };
    expect(engines(undefined, environment)).toMatchObject([{ socketPath: "/host.sock", source: "DOCKER_HOST" }]);
    expect(engines(undefined, { ...environment, DOCKER_HOST: "" })[0]?.socketPath).toBe("/context.sock");
  });

  test("are only the engine of the current docker context, from its configuration or DOCKER_CONTEXT", () => {
    const home = homeWithContexts({ mine: "unix:///context.sock" });
    const expected = [{ socketPath: "/context.sock", source: "context 'mine'", name: "mine" }];
    expect(engines(undefined, { HOME: home })).toEqual(expected);
    expect(engines(undefined, { HOME: "/none", DOCKER_CONFIG: `${home}/.docker` })).toEqual(expected);
    const other = homeWithContexts({ mine: "unix:///context.sock" }, "default");
    expect(engines(undefined, { HOME: other, DOCKER_CONTEXT: "mine" })).toEqual(expected);
  });

  test("are not replaced silently: a missing context, or a context without a host, is an error", () => {
    const gone = expect.objectContaining({ code: "TARGET", message: "no such docker context: 'gone'" });
    expect(() => engines(undefined, { ...nowhere, DOCKER_CONTEXT: "gone" })).toThrow(gone);
    expect(() => engines(undefined, { HOME: homeWithContexts({ gone: undefined }) })).toThrow(gone);
  });

  test("are otherwise all default sockets; the default context and a broken configuration are ignored", () => {
    const home = temporaryDirectory();
    mkdirSync(`${home}/.docker`);
    writeFileSync(`${home}/.docker/config.json`, "{ not JSON");
    const runtime = temporaryDirectory();
    mkdirSync(`${runtime}/podman`);
    const ours = (more: NodeJS.ProcessEnv = {}) =>
      foundBelow(runtime, { HOME: home, XDG_RUNTIME_DIR: runtime, ...more });
    expect(ours()).toEqual([]);
    writeFileSync(`${runtime}/podman/podman.sock`, "");
    expect(ours()).toEqual([["/podman/podman.sock", "default", "rootless-podman"]]);
    writeFileSync(`${runtime}/docker.sock`, "");
    const both = [
      ["/docker.sock", "default", "rootless-docker"],
      ["/podman/podman.sock", "default", "rootless-podman"],
    ];
    expect(ours()).toEqual(both);
    expect(ours({ DOCKER_CONTEXT: "default" })).toEqual(both);
    const third = `${runtime}/third.sock`;
    writeFileSync(third, "");
    expect(ours({ CONTAINER_HOST: `unix://${third}` })).toEqual([...both, ["/third.sock", "CONTAINER_HOST", third]]);
    expect(ours({ CONTAINER_HOST: "ssh://box.example/podman.sock" })).toEqual(both);
  });

  test("include the sockets of other local contexts, each once", () => {
    const runtime = temporaryDirectory();
    for (const name of ["docker.sock", "b.sock"]) writeFileSync(`${runtime}/${name}`, "");
    symlinkSync(`${runtime}/docker.sock`, `${runtime}/a.sock`);
    const contexts = { b: `unix://${runtime}/b.sock`, a: `unix://${runtime}/a.sock`, far: "ssh://box.example" };
    const home = homeWithContexts({ ...contexts, gone: `unix://${runtime}/gone.sock` }, "default");
    expect(foundBelow(runtime, { HOME: home, XDG_RUNTIME_DIR: runtime })).toEqual([
      ["/docker.sock", "default", "rootless-docker"],
      ["/b.sock", "context 'b'", "b"],
    ]);
  });

  test("are all engines with --engine all, for any settings", () => {
    const runtime = temporaryDirectory();
    for (const name of ["docker.sock", "b.sock"]) writeFileSync(`${runtime}/${name}`, "");
    const HOME = homeWithContexts({ b: `unix://${runtime}/b.sock` });
    const environment = { HOME, XDG_RUNTIME_DIR: runtime, DOCKER_HOST: "ssh://box.example" };
    expect(foundBelow(runtime, environment, "all").map(([path]) => path)).toEqual(["/docker.sock", "/b.sock"]);
  });

  test.each([
    ["tcp://10.0.0.1:2375", "ssh -t 10.0.0.1 porthole"],
    ["ssh://me@box.example", "ssh -t me@box.example porthole"],
    ["ssh://me@box.example:2222/run/docker.sock", "ssh -p 2222 -t me@box.example porthole"],
    ["https://box.example/x", "ssh -t box.example porthole"],
    ["tcp://", "ssh -t HOST porthole"],
  ])("exclude an engine on another machine, with a remedy: %s", (address, hint) => {
    expect(() => engines(address, nowhere)).toThrow(
      expect.objectContaining({ code: "TARGET", hint: expect.stringContaining(hint) }),
    );
    expect(() => engines(undefined, { DOCKER_HOST: address })).toThrow(/^DOCKER_HOST: cannot use .* another machine/);
  });

  test.each(["tcp://localhost:2375", "tcp://127.0.0.1:2375", "tcp://[::1]:2375"])(
    "exclude local TCP: the engine also has a socket, or the port is forwarded: %s",
    (address) => {
      expect(() => engines(address, nowhere)).toThrow(
        expect.objectContaining({
          code: "TARGET",
          hint: expect.stringContaining("--engine unix:///var/run/docker.sock"),
        }),
      );
    },
  );

  test.each(["", "-x", "unix://docker.sock", "unix://", "npipe:////./pipe/docker_engine", "fd://3"])(
    "exclude an invalid address: '%s'",
    (address) => {
      expect(() => engines(address, nowhere)).toThrow(
        expect.objectContaining({ code: "USAGE", message: `--engine: invalid engine address '${address}'` }),
      );
    },
  );
});

describe("a request to an engine", () => {
  test("returns the status and the decoded answer for any status, and distinguishes Podman from Docker", async () => {
    const engine = await fakeEngine((path) => ({
      status: path === "/a" ? 200 : 404,
      ...(path === "/a" && { headers: { "Libpod-Api-Version": "4.3.1" } }),
      body: { path },
    }));
    expect(await engineGet(engine, "/a")).toMatchObject({ status: 200, body: { path: "/a" }, isPodman: true });
    expect(await engineGet(engine, "/b")).toMatchObject({ status: 404, body: { path: "/b" }, isPodman: false });
  });

  test("returns no body for an empty answer", async () => {
    const engine = await fakeEngine(() => ({ status: 500, body: undefined }));
    expect(await engineGet(engine, "/")).toMatchObject({ status: 500, body: undefined, isPodman: false });
  });

  test("reports an answer that is not JSON with the engine's address", async () => {
    for (const status of [200, 404]) {
      const engine = await fakeEngine(() => ({ status, body: undefined, raw: "<html>" }));
      await expect(engineGet(engine, "/info?a=b")).rejects.toMatchObject({
        code: "TARGET",
        message: `the engine at ${engine.socketPath} sent an invalid response to GET /info: the response is "<html>", not JSON`,
      });
    }
  });

  test("has no body for an error in HTML, as of a proxy, and shortens any message", async () => {
    const engine = await fakeEngine(() => ({ status: 403, body: undefined, raw: "<html>" }));
    expect(await engineGet(engine, "/")).toMatchObject({ status: 403, body: undefined });
    expect(errorMessageOf({ body: { message: "x".repeat(5_000) } })).toBe("x".repeat(1_000));
    expect([{ cause: "c" }, { message: 5 }, [], "m", null].map((body) => errorMessageOf({ body }))).toEqual([
      ...["c", undefined, undefined, undefined, undefined],
    ]);
  });

  test("fails with TARGET at the timeout, and with CANCELLED by the signal", async () => {
    const engine = await fakeEngine(() => "silence");
    await expect(engineGet(engine, "/", { timeoutMs: 20 })).rejects.toMatchObject({
      code: "TARGET",
      errno: "ETIMEDOUT",
    });
    const controller = new AbortController();
    const asked = engineGet(engine, "/", { signal: controller.signal });
    controller.abort();
    await expect(asked).rejects.toMatchObject({ code: "CANCELLED" });
  });

  test("keeps its source when its address selects it, as the screen does", () => {
    const here = temporaryDirectory();
    const home = homeWithContexts({ mine: `unix://${here}/context.sock` });
    const [found] = engines(undefined, { DOCKER_HOST: `unix://${here}/host.sock` });
    const [current] = engines(undefined, { HOME: home });
    const again = [found, current].map((one) => engines(one && engineAddress(one), {})[0]);
    expect(again.map((one) => one?.source)).toEqual(["DOCKER_HOST", "context 'mine'"]);
    expect(engines(`${here}/other.sock`, {})[0]?.source).toBe("--engine");
  });

  test("reports a missing engine with its address and the setting that named it", async () => {
    const socketPath = `${temporaryDirectory()}/none.sock`;
    await expect(engineGet({ socketPath, source: "DOCKER_HOST", name: "x" }, "/")).rejects.toMatchObject({
      ...{ code: "TARGET", errno: "ENOENT" },
      message: `cannot connect to the container engine at ${socketPath} (DOCKER_HOST): no engine is listening there`,
    });
    await expect(engineGet({ socketPath, source: "default", name: "x" }, "/")).rejects.toThrow(
      `at ${socketPath}: no engine`,
    );
  });
});

test("hints name the command of the engines that were asked", () => {
  const at = (...sockets: string[]) => sockets.map((socketPath) => ({ socketPath, source: "test", name: "test" }));
  expect(commandOf(at("/run/user/1000/podman/podman.sock"))).toBe("podman");
  expect(commandOf(at("/run/podman/podman.sock", "/run/docker.sock"))).toBe("docker");
  expect(commandOf([])).toBe("docker");
});
