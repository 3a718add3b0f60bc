import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ask, engines } from "../../src/routes/engine.ts";
import { temporaryDirectory } from "../descriptors/fixtures.ts";
import { fakeEngine } from "./fake-engine.ts";

/** A home whose docker configuration has one context. */
function homeWithContext(name: string, host: string | undefined, current = name): string {
  const home = temporaryDirectory();
  const meta = `${home}/.docker/contexts/meta/${createHash("sha256").update(name).digest("hex")}`;
  mkdirSync(meta, { recursive: true });
  writeFileSync(`${home}/.docker/config.json`, JSON.stringify({ currentContext: current }));
  writeFileSync(`${meta}/meta.json`, JSON.stringify({ Name: name, Endpoints: { docker: { Host: host } } }));
  return home;
}

describe("which engines are asked", () => {
  const nowhere = { HOME: "/none" };

  test("--engine alone, when it is given", () => {
    const environment = { ...nowhere, DOCKER_HOST: "unix:///other.sock" };
    for (const address of ["/run/x.sock", "unix:///run/x.sock"]) {
      expect(engines(address, environment)).toEqual([{ socketPath: "/run/x.sock", source: "--engine" }]);
    }
  });

  test("then DOCKER_HOST, before any context", () => {
    const environment = { HOME: homeWithContext("mine", "unix:///context.sock"), DOCKER_HOST: "unix:///host.sock" };
    expect(engines(undefined, environment)).toEqual([{ socketPath: "/host.sock", source: "DOCKER_HOST" }]);
    expect(engines(undefined, { ...environment, DOCKER_HOST: "" })[0]?.socketPath).toBe("/context.sock");
  });

  test("then docker's context in use, from its configuration or DOCKER_CONTEXT", () => {
    const home = homeWithContext("mine", "unix:///context.sock");
    const expected = [{ socketPath: "/context.sock", source: "context 'mine'" }];
    expect(engines(undefined, { HOME: home })).toEqual(expected);
    expect(engines(undefined, { HOME: "/none", DOCKER_CONFIG: `${home}/.docker` })).toEqual(expected);
    const other = homeWithContext("mine", "unix:///context.sock", "default");
    expect(engines(undefined, { HOME: other, DOCKER_CONTEXT: "mine" })).toEqual(expected);
  });

  test("a context that is not there, or names no host, is an error and no silent other engine", () => {
    const gone = expect.objectContaining({ code: "TARGET", message: "docker's context 'gone' is not there" });
    expect(() => engines(undefined, { ...nowhere, DOCKER_CONTEXT: "gone" })).toThrow(gone);
    expect(() => engines(undefined, { HOME: homeWithContext("gone", undefined) })).toThrow(gone);
  });

  test("else every usual socket that is there; the default context and a broken configuration are none", () => {
    const home = temporaryDirectory();
    mkdirSync(`${home}/.docker`);
    writeFileSync(`${home}/.docker/config.json`, "{ not JSON");
    const runtime = temporaryDirectory();
    mkdirSync(`${runtime}/podman`);
    const ours = (environment: NodeJS.ProcessEnv) =>
      engines(undefined, { HOME: home, XDG_RUNTIME_DIR: runtime, ...environment })
        .filter(({ socketPath }) => socketPath.startsWith(runtime))
        .map(({ socketPath, source }) => [socketPath.slice(runtime.length), source]);
    expect(ours({})).toEqual([]);
    writeFileSync(`${runtime}/podman/podman.sock`, "");
    expect(ours({})).toEqual([["/podman/podman.sock", "default"]]);
    writeFileSync(`${runtime}/docker.sock`, "");
    const both = [
      ["/docker.sock", "default"],
      ["/podman/podman.sock", "default"],
    ];
    expect(ours({})).toEqual(both);
    expect(ours({ DOCKER_CONTEXT: "default" })).toEqual(both);
  });

  test.each([
    ["tcp://10.0.0.1:2375", "ssh -t 10.0.0.1 porthole"],
    ["ssh://me@box.example", "ssh -t me@box.example porthole"],
    ["https://box.example/x", "ssh -t box.example porthole"],
    ["tcp://", "ssh -t HOST porthole"],
  ])("an engine on another machine is refused, with what to do: %s", (address, hint) => {
    expect(() => engines(address, nowhere)).toThrow(
      expect.objectContaining({ code: "TARGET", hint: expect.stringContaining(hint) }),
    );
    expect(() => engines(undefined, { DOCKER_HOST: address })).toThrow(/^DOCKER_HOST names an engine on another/);
  });

  test.each(["", "docker.sock", "unix://docker.sock", "unix://", "npipe:////./pipe/docker_engine", "fd://3"])(
    "an address that is none is refused: '%s'",
    (address) => {
      expect(() => engines(address, nowhere)).toThrow(
        expect.objectContaining({ code: "USAGE", message: `--engine is not an engine's address: '${address}'` }),
      );
    },
  );
});

describe("asking an engine", () => {
  test("gives its status and its decoded answer, whatever the status, and tells Podman from Docker", async () => {
    const engine = await fakeEngine((path) => ({
      status: path === "/a" ? 200 : 404,
      ...(path === "/a" && { headers: { "Libpod-Api-Version": "4.3.1" } }),
      body: { path },
    }));
    expect(await ask(engine, "/a")).toEqual({ status: 200, body: { path: "/a" }, isPodman: true });
    expect(await ask(engine, "/b")).toEqual({ status: 404, body: { path: "/b" }, isPodman: false });
  });

  test("an empty answer has no body", async () => {
    const engine = await fakeEngine(() => ({ status: 500, body: undefined }));
    expect(await ask(engine, "/")).toEqual({ status: 500, body: undefined, isPodman: false });
  });

  test("an answer that is not JSON is the engine's fault, said with where it is", async () => {
    const engine = await fakeEngine(() => ({ status: 200, body: undefined, raw: "<html>" }));
    await expect(ask(engine, "/")).rejects.toMatchObject({
      code: "TARGET",
      message: expect.stringMatching(`^cannot ask the container engine at ${engine.socketPath} \\(test\\): `),
    });
  });

  test("that does not answer fails at the deadline as a target that cannot be had; the signal is an interrupt", async () => {
    const engine = await fakeEngine(() => "silence");
    await expect(ask(engine, "/", { timeoutMs: 20 })).rejects.toMatchObject({ code: "TARGET", errno: "ETIMEDOUT" });
    const controller = new AbortController();
    const asked = ask(engine, "/", { signal: controller.signal });
    controller.abort();
    await expect(asked).rejects.toMatchObject({ code: "CANCELLED" });
  });

  test("that is not there says so, by its place and by who named it", async () => {
    const socketPath = `${temporaryDirectory()}/none.sock`;
    await expect(ask({ socketPath, source: "DOCKER_HOST" }, "/")).rejects.toMatchObject({
      ...{ code: "TARGET", errno: "ENOENT" },
      message: `cannot ask the container engine at ${socketPath} (DOCKER_HOST): no engine is listening there`,
    });
    await expect(ask({ socketPath, source: "default" }, "/")).rejects.toThrow(`at ${socketPath}: no engine`);
  });
});
