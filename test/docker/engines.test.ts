import { chownSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { witness } from "../helpers/compatibility.ts";
import { addContext } from "../helpers/docker-contexts.ts";
import { type Container, container, engine, uniqueName } from "../helpers/engine.ts";
import { type User, user } from "../helpers/porthole.ts";

const steps = (text: string) => ["dir", "/d", "write", "/d/f", text];
const section = "Engines" as const;

/** Gives the user docker contexts, and the usual sockets below the runtime directory. */
function configure(by: User, current: string, others: Record<string, string> = {}): void {
  const folder = `${by.env.HOME}/.docker`;
  const contexts = { "of-docker": engine("docker").host, ...others };
  for (const [name, host] of Object.entries(contexts)) addContext(folder, name, host);
  writeFileSync(`${folder}/config.json`, JSON.stringify({ currentContext: current }));
  mkdirSync(`${by.directory}/run/podman`);
  symlinkSync(engine("podman").socket, `${by.directory}/run/podman/podman.sock`);
  chownSync(folder, by.uid, by.uid);
}

describeWith(["docker", "podman"], "the engine of a container", () => {
  let plain: User;
  let inContext: User;
  let onlyDocker: Container;
  let onlyPodman: Container;
  const both = uniqueName("both");
  const none = { DOCKER_HOST: undefined };
  const names = () => ({
    ...{ [onlyDocker.name]: "web", [onlyPodman.name]: "web", [both]: "web" },
    ...{ [engine("docker").host]: "unix:///PATH", [engine("docker").socket]: "/PATH" },
  });
  const cat = (name: string, ...more: string[]) => ["cat", ...more, `${name}:/d/f`];

  beforeAll(async () => {
    plain = user();
    inContext = user();
    configure(plain, "default", { "far-away": "ssh://me@127.0.0.1:1" });
    configure(inContext, "of-docker");
    [onlyDocker, onlyPodman] = await Promise.all([
      container(engine("docker"), { steps: steps("in docker") }),
      container(engine("podman"), { steps: steps("in podman") }),
      container(engine("docker"), { name: both, steps: steps("docker's") }),
      container(engine("podman"), { name: both, steps: steps("podman's") }),
    ]);
  });

  test("is only the engine of DOCKER_HOST", async (context) => {
    const options = { env: { DOCKER_HOST: engine("docker").host } };
    const what = { section, on: engine("docker"), by: plain, names: names(), options };
    const found = await witness(context, { ...what, situation: "DOCKER_HOST", args: cat(both) });
    expect(found).toMatchObject({ code: 0, text: "docker's\n" });
    expect(await plain.run(cat(onlyPodman.name), options)).toMatchObject({ code: 3 });
  });

  test("is the engine of --engine, by address or by name", async (context) => {
    const what = { section, by: plain, names: names(), options: { env: none } };
    for (const address of [engine("docker").host, engine("docker").socket, "of-docker"]) {
      const args = cat(both, "--engine", address);
      const found = await witness(context, { ...what, on: engine("docker"), situation: "--engine", args });
      expect(found).toMatchObject({ code: 0, text: "docker's\n" });
    }
    const args = cat(both, "--engine", "rootless-podman");
    const found = await witness(context, { ...what, on: engine("podman"), situation: "--engine", args });
    expect(found).toMatchObject({ code: 0, text: "podman's\n" });
  });

  test("is the engine of the current docker context; with --engine all it is every engine", async (context) => {
    const what = { section, on: engine("docker"), by: inContext, names: names(), options: { env: none } };
    const found = await witness(context, { ...what, situation: "docker's context in use", args: cat(both) });
    expect(found).toMatchObject({ code: 0, text: "docker's\n" });
    expect(await inContext.run(cat(onlyPodman.name), { env: none })).toMatchObject({ code: 3 });
    const args = cat(onlyPodman.name, "--engine", "all");
    const everywhere = await witness(context, { ...what, on: engine("podman"), situation: "every engine", args });
    expect(everywhere).toMatchObject({ code: 0, text: "in podman\n" });
    const unreachable = await plain.run(args, { env: none });
    expect(unreachable).toMatchObject({ code: 3, text: "in podman\n" });
    expect(unreachable.stderr).toMatch(/^porthole: [^\n]*'far-away'[^\n]*\n$/);
  });

  test("is any engine that has the container if no engine is named; an ambiguous name is an error that lists the engines", async (context) => {
    const what = { section, by: plain, names: names(), options: { env: none } };
    const situation = "several engines: a usual socket and a context's";
    for (const [target, on] of [
      [onlyDocker, engine("docker")],
      [onlyPodman, engine("podman")],
    ] as const) {
      const found = await witness(context, { ...what, on, situation, args: cat(target.name) });
      expect(found).toMatchObject({ code: 0, text: `in ${on.name}\n` });
    }
    const several = await witness(context, {
      ...what,
      on: "both",
      situation: "a name that two engines have",
      args: cat(both),
    });
    expect(several).toMatchObject({ code: 3, text: "" });
    expect(several.stderr).toBe(
      `porthole: '${both}' is ambiguous: several engines have a container of that name: ${both} in rootless-podman, ${both} in of-docker (choose an engine, such as --engine rootless-podman)\n`,
    );
    const missing = await plain.run(cat("no-such-container"), { env: none });
    expect(missing.stderr).toMatch(
      /^porthole: no such container: 'no-such-container' in (\S+, )*rootless-podman, of-docker \(run docker ps to list them\)\n$/,
    );
  });

  test("is never a local engine if the context is on another machine that does not answer", async () => {
    const options = { env: { ...none, DOCKER_CONTEXT: "far-away" } };
    const result = await plain.run(cat(both), options);
    expect(result).toMatchObject({ code: 3, text: "" });
    expect(result.stderr).toMatch(
      /^porthole: cannot connect to the container engine at ssh:\/\/me@127\.0\.0\.1:1 \(context 'far-away'\): ssh[^\n]* \([^\n]*\)\n$/,
    );
  });

  test.for(["tcp://127.0.0.1:1", "ssh://me@127.0.0.1:1", "https://127.0.0.1:1"])(
    "DOCKER_HOST=%s is the only queried engine, and an error is one line",
    async (address) => {
      const options = { env: { DOCKER_HOST: address } };
      const result = await plain.run(cat("web"), options);
      expect(result).toMatchObject({ code: 3, text: "" });
      expect(result.stderr.split("\n")).toHaveLength(2);
    },
  );
});
