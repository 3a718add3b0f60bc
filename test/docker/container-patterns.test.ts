import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { describeWithDocker, describeWithPodman } from "../helpers/availability.ts";
import { type Container, container, engine, uniqueName } from "../helpers/engine.ts";
import { following } from "../helpers/following.ts";
import { jsonLines, user } from "../helpers/porthole.ts";
import { waitFor } from "../helpers/wait-for.ts";

describeWithDocker("several containers of Docker by one target", () => patternTests("docker"));
describeWithPodman("several containers of Podman by one target", () => patternTests("podman"));

function patternTests(name: "docker" | "podman"): void {
  test("a pattern of names selects each matching container by its own name", async () => {
    const { by, prefix, add } = set();
    for (const one of ["a", "b"]) await add(one, { steps: ["dir", "/d", "write", `/d/${one}.log`, `of ${one}`] });
    await add("other", { as: uniqueName("other"), steps: ["dir", "/d", "write", "/d/x.log", "of another"] });
    const all = `${prefix}-*:/d/*.log`;
    expect(await by.run(["cat", all])).toMatchObject({ text: "of a\nof b\n", stderr: "", code: 0 });
    expect((await by.run(["head", "-n", "1", "-v", all])).text).toBe(
      `==> ${prefix}-a:/d/a.log <==\nof a\n\n==> ${prefix}-b:/d/b.log <==\nof b\n`,
    );
    expect((await by.run(["tail", "--prefix", all])).text).toBe(
      `${prefix}-a:/d/a.log | of a\n${prefix}-b:/d/b.log | of b\n`,
    );
    expect((await by.run(["ls", all])).text).toBe(`${prefix}-a:/d/a.log\n${prefix}-b:/d/b.log\n`);
    expect((await by.run(["find", `${prefix}-?:/d`, "-name", "b*"])).text).toBe(`${prefix}-b:/d/b.log\n`);
    expect((await by.run(["grep", "-I", "--sort", "path", "of", `${prefix}-[ab]:/d`])).text).toBe("of a\nof b\n");
    expect((await by.run(["stat", "--json", all])).text.trim().split("\n")).toHaveLength(2);
    const { text } = await by.run(["ps", "--json", `${prefix}-*`]);
    expect(jsonLines<{ target: string }>(text).map(({ target }) => target)).toEqual([`${prefix}-a`, `${prefix}-b`]);
    expect((await by.run(["ps", `${prefix}-*`])).text).toMatch(
      new RegExp(`^${prefix}-a:\nPID .*\n.*\n\n${prefix}-b:\nPID .*\n.*\n$`),
    );
  });

  test("a stopped container is included, except in ps; a container without the file gives one line and a status", async () => {
    const { by, prefix, add } = set();
    const stopped = await add("a", { steps: ["dir", "/d", "write", "/d/f", "left behind"] });
    await add("b", { steps: ["dir", "/d", "write", "/d/f", "running"] });
    await add("c", { steps: ["dir", "/d", "write", "/d/other", "x"] });
    await stopped.handle.stop({ t: 0 });
    const { text, stderr, code } = await by.run(["cat", `${prefix}-*:/d/f`]);
    expect({ text, code }).toEqual({ text: "left behind\nrunning\n", code: 1 });
    expect(stderr).toBe(`porthole: cannot open ${prefix}-c:/d/f: No such file or directory\n`);
    // A container is skipped if the glob matches no file in it.
    expect(await by.run(["cat", `${prefix}-*:/d/f*`])).toMatchObject({
      text: "left behind\nrunning\n",
      stderr: "",
      code: 0,
    });
    const ps = await by.run(["ps", "--json", `${prefix}-*`]);
    expect(ps).toMatchObject({ stderr: "", code: 0 });
    expect(ps.text).not.toContain(`${prefix}-a`);
  });

  test("PROJECT/PATTERN selects containers of a Compose project by service, replica or name", async () => {
    const { by, prefix, add } = set();
    const project = uniqueName("shop");
    const of = (service: string, number: number) => ({
      "com.docker.compose.project": project,
      "com.docker.compose.service": service,
      "com.docker.compose.container-number": String(number),
    });
    await add("x", { labels: of("web", 1), steps: ["write", "/f", "web 1"] });
    await add("y", { labels: of("web", 2), steps: ["write", "/f", "web 2"] });
    await add("z", { labels: of("db", 1), steps: ["write", "/f", "db"] });
    await add("run", {
      labels: { ...of("web", 3), "com.docker.compose.oneoff": "True" },
      steps: ["write", "/f", "once"],
    });
    expect((await by.run(["cat", `${project}/*:/f`])).text).toBe("web 1\nweb 2\ndb\n");
    expect((await by.run(["cat", `${project}/web*:/f`])).text).toBe("web 1\nweb 2\n");
    expect((await by.run(["cat", `${project}/*-2:/f`])).text).toBe("web 2\n");
    expect((await by.run(["ls", `${project}/w*:/f`])).text).toBe(`${prefix}-x:/f\n${prefix}-y:/f\n`);
  });

  test("--label selects containers, with a pattern, a name, or only a path", async () => {
    const { by, prefix, add } = set();
    await add("a", { labels: { [prefix]: "front" }, steps: ["write", "/f", "a"] });
    await add("b", { labels: { [prefix]: "back", tier: "x=y" }, steps: ["write", "/f", "b"] });
    await add("c", { steps: ["write", "/f", "c"] });
    expect((await by.run(["cat", "--label", prefix, "/f"])).text).toBe("a\nb\n");
    expect((await by.run(["cat", "--label", `${prefix}=back`, "*:/f"])).text).toBe("b\n");
    expect((await by.run(["cat", `--label=${prefix}`, "--label", "tier=x=y", "/f"])).text).toBe("b\n");
    expect((await by.run(["cat", "--label", prefix, `${prefix}-a:/f`])).text).toBe("a\n");
    expect((await by.run(["grep", "-I", "[bc]", "--label", prefix, "/f"])).text).toBe("b\n");
    expect((await by.run(["find", "--label", `${prefix}=front`, "/f"])).text).toBe(`${prefix}-a:/f\n`);
    expect((await by.run(["ps", "--json", "--label", `${prefix}=front`])).text).toContain(`"target":"${prefix}-a"`);
    expect((await by.run(["with", "--label", `${prefix}=back`, "*:/f", "--", "cat"])).text).toBe("b\n");
    await by.run(["cp", "--parents", "--label", prefix, "*:/f", by.directory]);
    expect(readFileSync(`${by.directory}/${prefix}-a:/f`, "utf8")).toBe("a\n");
    expect(readFileSync(`${by.directory}/${prefix}-b:/f`, "utf8")).toBe("b\n");
    const none = await by.run(["cat", "--label", prefix, `${prefix}-c:/f`]);
    expect(none).toMatchObject({ text: "", code: 3 });
    expect(none.stderr).toBe(
      `porthole: no container matches '${prefix}-c' with the label ${prefix} (see docker ps --all)\n`,
    );
    expect(await by.run(["cat", "--label", prefix, "./f"])).toMatchObject({ text: "", code: 2 });
  });

  test("a pattern without matches gives one line and the status of a missing target", async () => {
    const { by, prefix, add } = set();
    await add("a", { steps: ["write", "/f", "a"] });
    for (const command of ["cat", "head", "tail", "ls", "find", "stat"]) {
      const { text, stderr, code } = await by.run([command, `${prefix}-none*:/f`]);
      expect({ command, text, code }).toEqual({ command, text: "", code: 3 });
      expect(stderr).toMatch(/^\w+: no container matches '\S+none\*' \(see docker ps --all\)\n$/);
    }
    expect(await by.run(["ps", `${prefix}-none*`])).toMatchObject({ text: "", code: 3 });
    expect(await by.run(["grep", "x", `${prefix}-none*:/f`])).toMatchObject({ text: "", code: 2 });
    const nothing = await by.run(["cat", `${prefix}-*:/none/*`]);
    expect(nothing).toMatchObject({ text: "", code: 1 });
    expect(nothing.stderr).toBe(`porthole: no such file: '${prefix}-*:/none/*' matches nothing\n`);
    const one = await by.run(["hexdump", `${prefix}-*:/f`]);
    expect(one.code).toBe(2);
    expect(one.stderr).toContain("is a pattern of several containers, but one is needed here (name one container;");
  });

  test("completion offers projects and their services, outputs, and labels of containers", async () => {
    const { by, prefix, add } = set();
    const project = uniqueName("shop");
    const labels = {
      "com.docker.compose.project": project,
      "com.docker.compose.service": "web",
      "com.docker.compose.container-number": "1",
      [prefix]: "front",
    };
    await add("a", { labels, steps: ["dir", "/d", "write", "/d/f", "x"] });
    const offered = async (...words: string[]) => {
      const { text } = await by.run(["__complete", "zsh", "--", ...words]);
      return text.split("\n").flatMap((line) => line.split("\t")[0] || []);
    };
    expect(await offered("tail", project.slice(0, -1))).toContain(`${project}/`);
    expect(await offered("tail", `${project}/`)).toEqual([`${project}/*:`, `${project}/web:`]);
    expect(await offered("tail", `${project}/web:/d/`)).toEqual([`${project}/web:/d/f`]);
    expect(await offered("tail", `${project}/*:/d/`)).toEqual([`${project}/*:/d/f`]);
    expect(await offered("ps", `${project}/w`)).toEqual([`${project}/web`]);
    expect(await offered("cat", `${prefix}-a:@`)).toEqual(
      ["@logs", "@stdout", "@stderr"].map((one) => `${prefix}-a:${one}`),
    );
    expect(await offered("cat", "--label", prefix)).toEqual([prefix, `${prefix}=front`]);
    expect(await offered("cat", `--label=${prefix}=`)).toEqual([`--label=${prefix}=front`]);
  });

  test("porthole's own sidecars never match", async () => {
    const { by, prefix, add } = set();
    const { id } = await add("a", { steps: ["write", "/f", "a"] });
    expect((await by.run(["cat", "--route", "sidecar", `${id}:/f`])).text).toBe("a\n");
    expect((await by.run(["cat", "--label", "io.porthole.sidecar", "/f"])).code).toBe(3);
    expect((await by.run(["cat", `${prefix}*:/f`])).text).toBe("a\n");
  });

  test("tail -F of a pattern follows new containers and drops removed ones, each line once", async () => {
    const { by, prefix, add } = set();
    const speaks = async (one: string, text: string) => add(one, speaker(text));
    await speaks("a", "first");
    const tail = following(by, ["-F", "--prefix", "-n", "+1", `${prefix}-*:@logs`, `${prefix}-*:/tmp/*.log`]);
    const shown = (lines: string[]) =>
      waitFor(`the lines ${lines.join(", ")}`, () => [...lines].sort().join("\n") === sorted(tail.text())).catch(
        (error: Error) => {
          throw new Error(`${error.message}, having ${tail.text()} and ${tail.said()}`);
        },
      );
    const expected = [`${prefix}-a:@logs | first`, `${prefix}-a:/tmp/x.log | first`];
    await shown(expected);
    const second = await speaks("b", "second");
    await tail.says(`tail: '${prefix}-b:@logs' has appeared;  following new file`);
    expected.push(`${prefix}-b:@logs | second`, `${prefix}-b:/tmp/x.log | second`);
    await shown(expected);
    await second.remove();
    await tail.says(`tail: ${prefix}-b: the container was removed; no longer following it`);
    // A new container of the same name is followed from the start.
    await speaks("b", "third");
    expected.push(`${prefix}-b:@logs | third`, `${prefix}-b:/tmp/x.log | third`);
    await shown(expected);
  });

  test("tail -F waits for the first container that matches", async () => {
    const { by, prefix, add } = set();
    const tail = following(by, ["-F", `${prefix}-*:@stdout`]);
    await tail.says(`tail: no container matches '${prefix}-*'; waiting for it (see docker ps --all)`);
    await add("late", speaker("here"));
    await tail.shows(`==> ${prefix}-late:@stdout <==
here
`);
  });

  test("tail -F finds files that match a glob in the first container that matches", async () => {
    const { by, prefix, add } = set();
    const tail = following(by, ["-F", "--prefix", `${prefix}-*:/tmp/*.log`]);
    await tail.says(`tail: no container matches '${prefix}-*'; waiting for it (see docker ps --all)`);
    await add("late", speaker("here"));
    await tail.shows(`${prefix}-late:/tmp/x.log | here\n`);
  });

  test("tail -f of a pattern ends when the last container has ended", async () => {
    const { by, prefix, add } = set();
    const first = await add("a", speaker("one"));
    const tail = following(by, ["-f", "-q", `${prefix}-*:@stdout`]);
    await tail.shows("one\n");
    await first.handle.stop({ t: 0 });
    await tail.running.ended;
    expect(tail.said()).toContain("no files remaining");
  });

  function set() {
    const on = engine(name);
    const by = user({ uid: 0, engine: on });
    const prefix = uniqueName("many");
    const add = (one: string, { as = `${prefix}-${one}`, ...options }: Options): Promise<Container> =>
      container(on, { ...options, name: as });
    return { by, prefix, add };
  }
}

function speaker(text: string) {
  return { script: `echo ${text} | tee /tmp/x.log; exec sleep 1000` };
}

type Options = { as?: string } & Parameters<typeof container>[1];

function sorted(text: string): string {
  return text.trim().split("\n").sort().join("\n");
}
