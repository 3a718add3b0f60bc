import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { describe, expect, inject, onTestFinished, test } from "vitest";
import { describeWithPodman } from "../helpers/availability.ts";
import { note, witness } from "../helpers/compatibility.ts";
import { container, type Engine, engine, uniqueName } from "../helpers/engine.ts";
import { following } from "../helpers/following.ts";
import { ORDINARY_USER } from "../helpers/machine.ts";
import { jsonLines, user } from "../helpers/porthole.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { agentImages, keptFiles, listedAgents, routesInUse } from "./agents.ts";
import { testSealed } from "./sealed.ts";

const podman = engine("podman");

describeWithPodman("Podman", () => {
  describe.each([
    { who: "root", uid: 0, route: "direct" },
    { who: "root", uid: 0, route: "mount" },
    { who: "root", uid: 0, route: "sidecar" },
    { who: "a user who may use its socket", uid: ORDINARY_USER, route: "sidecar" },
  ])("a sealed container, read by $who over route $route", ({ uid, route }) => {
    const scene = testSealed("podman", route, () => uid);

    test("can be removed without force, and the agent ends with it", async (context) => {
      const { someone, target } = scene();
      await target.handle.stop({ t: 5 });
      await target.handle.remove();
      await note(context, {
        section: "States and changes",
        situation: `removed while an agent of route ${route} serves it`,
        on: engine("podman"),
        by: someone,
        command: "podman stop web; podman rm web",
        outcome: "not blocked; the agent ends with it",
        names: {},
      });
      await waitFor("the agent to end", async () => (await routesInUse(engine("podman"), target)).length === 0);
      expect(await listedAgents(someone)).toEqual([]);
    });
  });

  test("a paused container is read through the sidecar", async () => {
    const someone = user({ engine: podman });
    const target = await container(podman, { steps: ["dir", "/d", "write", "/d/f", "text"] });
    await target.handle.pause();
    const result = await someone.run(["cat", "--route", "sidecar", `${target.name}:/d/f`]);
    expect(result).toMatchObject({ code: 0, stderr: "", text: "text\n" });
    await target.handle.unpause();
    await someone.close();
  });

  test.for(["direct", "sidecar"])("a --privileged container is read over route %s", async (route, context) => {
    const by = user({ engine: podman });
    const target = await container(podman, {
      steps: ["dir", "/d", "write", "/d/f", "text"],
      host: { Privileged: true },
    });
    const result = await witness(context, {
      section: "Containers",
      situation: "--privileged",
      on: podman,
      by,
      args: ["cat", "--trace", "--route", route, `${target.name}:/d/f`],
      names: { [target.name]: "web" },
    });
    expect(result).toMatchObject({ code: 0, text: "text\n" });
    await by.close();
  });

  test("ps lists processes and open files, with runs a tool, and doctor finds every route", async () => {
    const someone = user({ engine: podman });
    const kept = ["write", "/log", "one", "hold", "/log"];
    const steps = [...kept, "write", "/gone", "text", "hold", "/gone", "remove", "/gone"];
    const target = await container(podman, { steps });
    const ps = await someone.run(["ps", "--deleted", "--json", target.name]);
    expect(ps).toMatchObject({ code: 0, stderr: "" });
    const { pid, command, files } = JSON.parse(ps.text) as { pid: number; command: string; files: { fd: number }[] };
    expect([pid, command, files.length]).toEqual([1, "ready", 1]);
    const gone = await someone.run(["cat", `${target.name}:/proc/1/fd/${files[0]?.fd}`]);
    expect(gone).toMatchObject({ code: 0, text: "text\n" });
    const tool = await someone.run(["with", `${target.name}:/log`, "--", "cat", "{}"]);
    expect(tool).toMatchObject({ code: 0, stderr: "", text: "one\n" });
    const doctor = await someone.run(["doctor", "--json", target.name]);
    for (const route of ["direct", "sidecar"])
      expect(jsonLines(doctor.text)).toContainEqual(
        expect.objectContaining({ status: "ok", what: expect.stringContaining(route) }),
      );
    await someone.close();
  });

  test.for(["direct", "sidecar"])("tail -F continues after a restart (route %s)", async (route) => {
    const someone = user({ engine: engine("podman") });
    const target = await container(engine("podman"), { steps: ["write", "/log", "began"] });
    const tail = following(someone, ["--route", route, "-F", `${target.name}:/log`]);
    onTestFinished(() => someone.close());
    await tail.shows("began\n");
    await target.handle.restart({ t: 5 });
    await tail.shows("began\nbegan\n");
    await tail.says(`tail: ${target.name}: the container was restarted; continuing`);
  });

  test("a container that was made of a directory has its files before it runs, and is not compared with an image", async () => {
    const podman = engine("podman");
    const someone = user({ engine: podman });
    const rootfs = `${someone.directory}/rootfs`;
    mkdirSync(`${rootfs}/etc`, { recursive: true });
    writeFileSync(`${rootfs}/etc/greeting`, "hello\n");
    const name = await createOfDirectory(podman, rootfs);
    expect(await someone.run(["cat", `${name}:/etc/greeting`])).toMatchObject({ code: 0, text: "hello\n" });
    expect(await someone.run(["diff", name])).toMatchObject({
      code: 3,
      stderr: `porthole: cannot compare '${name}': it was made of a directory, not of an image (compare the directories: porthole with ${name}:/ -- diff -r {} DIRECTORY)\n`,
    });
    await podman.api.getContainer(name).remove();
  });

  // The other tests close their users, because any sidecar of the engine would use the image.
  test("detach --all removes every sidecar, image, socket and record", async () => {
    const someone = user({ engine: podman });
    const target = await container(podman, { steps: ["dir", "/d", "write", "/d/f", "text"] });
    await someone.run(["cat", "--route", "sidecar", `${target.name}:/d/f`]);
    expect(await agentImages(podman)).toHaveLength(1);
    expect(await someone.run(["detach", "--all"])).toMatchObject({ code: 0, stderr: "" });
    expect(await routesInUse(podman, target)).toEqual([]);
    expect(keptFiles(someone)).toEqual([]);
    // Test files that share a current engine run concurrently, and their sidecars use this image.
    if (inject("machine").title === undefined) expect(await agentImages(podman)).toEqual([]);
  });

  test.for([
    { what: "no such container", name: "no-such-container", code: 3, line: /^porthole: no such container: .*\n$/ },
  ])("$what returns status $code", async ({ name, code, line }) => {
    const result = await user({ engine: engine("podman") }).run(["cat", `${name}:/f`]);
    expect(result.stderr).toMatch(line);
    expect(result.code).toBe(code);
  });
});

/** Creates a container as `podman create --rootfs` does, which only Podman's own API can. */
async function createOfDirectory(on: Engine, rootfs: string): Promise<string> {
  const name = uniqueName("rootfs");
  const request = httpRequest({
    socketPath: on.socket,
    method: "POST",
    path: "/v4.0.0/libpod/containers/create",
    headers: { "Content-Type": "application/json" },
  });
  request.end(JSON.stringify({ name, rootfs, command: ["/none"], netns: { nsmode: "none" } }));
  const [answer] = (await once(request, "response")) as [IncomingMessage];
  answer.resume();
  expect(answer.statusCode).toBe(201);
  return name;
}
