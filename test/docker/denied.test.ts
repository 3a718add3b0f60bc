import { beforeAll, describe, expect, test } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import {
  type Container,
  type CreatedContainer,
  container,
  type Engine,
  ended,
  engine,
  enginesUnderTest,
  newVolume,
  uniqueName,
} from "../helpers/engine.ts";
import { engineProxy } from "../helpers/engine-proxy.ts";
import { following } from "../helpers/following.ts";
import { ORDINARY_USER } from "../helpers/machine.ts";
import { type User, user } from "../helpers/porthole.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { listedAgents } from "./agents.ts";

const steps = ["dir", "/d", "write", "/d/f", "text"];

/** Runs porthole with a proxy before the engine that denies these requests. */
async function denying(by: User, on: Engine, denied: RegExp): Promise<Record<string, string>> {
  return { ...by.env, DOCKER_HOST: (await engineProxy(on, undefined, denied)).host };
}

describeWith(["root", "docker", "podman"], "a proxy before the engine", () => {
  describe.each(enginesUnderTest())("that denies the events of %s", (name) => {
    let on: Engine;
    let by: User;
    let target: CreatedContainer;

    beforeAll(async () => {
      on = engine(name);
      by = user({ engine: on });
      target = await ended(on, { script: "mkdir /d; echo text > /d/f" });
    });

    const read: [string, string[], RegExp][] = [
      ["cat", ["cat", "{}/d/f"], /^text\n$/],
      ["tail", ["tail", "-n1", "{}/d/f"], /^text\n$/],
      ["ls", ["ls", "{}/d"], /^f\n$/],
      ["find", ["find", "{}/d", "-type", "f"], /\/d\/f\n$/],
      ["stat", ["stat", "{}/d/f"], / {2}Size: 5 /],
      ["grep", ["grep", "-h", "ex", "{}/d/f"], /^text\n$/],
      ["with", ["with", "{}/d", "--", "ls", "."], /^f\n$/],
      ["a pattern", ["cat", "{}/d/*"], /^text\n$/],
    ];
    test.each(read)("leaves a stopped container readable by %s", async (_, args, text) => {
      const env = await denying(by, on, /\/events/);
      const result = await by.run(
        args.map((arg) => arg.replace("{}", `${target.name}:`)),
        { env },
      );
      expect(result).toMatchObject({ code: 0, stderr: "", text: expect.stringMatching(text) });
    });

    test.each(["direct", "sidecar"])("is named by --trace on the route %s, and no agent remains", async (route) => {
      const env = await denying(by, on, /\/events/);
      const { code, text, stderr } = await by.run(["cat", "--trace", "--route", route, `${target.name}:/d/f`], { env });
      expect({ code, text }).toEqual({ code: 0, text: "text\n" });
      expect(stderr).toMatch(
        /\nno events from the engine, so porthole asks it once a second whether the container has changed: HTTP status 403 for GET \/events\n$/,
      );
      await waitFor("the agent to end", async () => (await listedAgents(by)).length === 0);
    });

    test("does not hide a later start from tail -F", async () => {
      const again = await ended(on, { script: "echo line >> /log; [ $(wc -l < /log) = 1 ] || exec sleep 1000" });
      const env = await denying(by, on, /\/events/);
      const follow = following(by, ["-F", `${again.name}:/log`], env);
      await follow.shows("line\n");
      await again.handle.start();
      await follow.shows("line\nline\n");
      await follow.says(/the container was (re)?started; continuing/);
    });

    test("does not hide new containers from a follow of a pattern", async () => {
      const prefix = uniqueName("denied");
      const first = await container(on, { name: `${prefix}-a`, steps });
      const env = await denying(by, on, /\/events/);
      const follow = following(by, ["-F", `${prefix}-*:/d/f`], env);
      await waitFor("the first file", () => follow.text().includes("text"));
      const second = await container(on, { name: `${prefix}-b`, steps });
      await waitFor("the second file", () => follow.text().includes(second.name));
      await Promise.all([first.remove(), second.remove()]);
    });
  });

  describe.each(enginesUnderTest())("that denies another request of %s", (name) => {
    let on: Engine;
    let by: User;
    let running: Container;
    let stopped: CreatedContainer;
    let volume: string;

    beforeAll(async () => {
      on = engine(name);
      by = user({ engine: on });
      volume = await newVolume(on);
      running = await container(on, { steps, host: { Binds: [`${volume}:/data`] } });
      stopped = await ended(on, { steps: ["write", "/f", "text", "exit", "0"] });
    });

    const denied: [
      string,
      RegExp,
      (names: { running: string; stopped: string; volume: string }) => string[],
      string,
    ][] = [
      [
        "an inspection",
        /containers\/[^/]+\/json/,
        ({ running }) => ["cat", `${running}:/d/f`],
        "GET /containers/NAME/json",
      ],
      ["the list", /containers\/json/, () => ["ls", "*:/d"], "GET /containers/json"],
      ["the list, for a Compose service", /containers\/json/, () => ["ls", "no-such:/d"], "GET /containers/json"],
      ["output", /\/logs/, ({ running }) => ["cat", `${running}:@logs`], "GET /containers/ID/logs"],
      ["changes", /\/changes/, ({ running }) => ["diff", running], "GET /containers/ID/changes"],
      ["a volume", /\/volumes/, ({ volume }) => ["ls", `volume:${volume}:/`], "GET /volumes/VOLUME"],
      ["an image", /\/images/, () => ["ls", "image:no-such:/"], "GET /images/no-such/json"],
      [
        "all that creates",
        /^POST/,
        ({ running }) => ["cat", "--route", "sidecar", `${running}:/d/f`],
        "POST /containers/create",
      ],
      ["the clean-up", /^GET .*\/images|^DELETE/, () => ["detach", "--all"], "GET /images/json"],
    ];
    test.each(denied)("names the request: %s", async (_, pattern, args, request) => {
      const env = await denying(by, on, pattern);
      const names = { running: running.name, stopped: stopped.name, volume };
      const { code, stderr } = await by.run(args(names), { env });
      expect(code).not.toBe(0);
      const wanted = request
        .replace("NAME", running.name)
        .replace("VOLUME", volume)
        .replace("ID", running.id.slice(0, 12));
      expect(stderr).toMatch(/^porthole: [^\n]+\n$/);
      expect(stderr).toContain(`HTTP status 403`);
      expect(stderr).toContain(
        `(a proxy before the engine denies ${wanted}: permit it there, or use the engine's own socket)`,
      );
    });

    test("reads a stopped container without the engine's own description", async () => {
      const env = await denying(by, on, /\/(info|version)$/);
      for (const route of [[], ["--route", "sidecar"]])
        expect(await by.run(["cat", ...route, `${stopped.name}:/f`], { env })).toMatchObject({
          ...{ code: 0, stderr: "", text: "text\n" },
        });
    });

    test("lets an ordinary user read a stopped container without POST, as the engine's copy", async () => {
      const other = user({ uid: ORDINARY_USER, engine: on });
      const env = await denying(other, on, /^POST|\/events|\/info/);
      const { code, text, stderr } = await other.run(["cat", "--trace", `${stopped.name}:/f`], { env });
      expect({ code, text }).toEqual({ code: 0, text: "text\n" });
      expect(stderr).toMatch(/route copy, .*\na copy by the engine, [^\n]+HTTP status 403\n/);
    });
  });
});
