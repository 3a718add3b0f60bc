import { execFileSync } from "node:child_process";
import { chownSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { type Container, container, type Engine, engine, image } from "../helpers/engine.ts";
import { ORDINARY_USER } from "../helpers/machine.ts";
import { jsonLines, type User, user } from "../helpers/porthole.ts";
import { waitFor } from "../helpers/wait-for.ts";

async function target(on: Engine): Promise<Container> {
  return container(on, {
    image: await image(on, [
      { name: "logs", type: "directory" },
      { name: "logs/app.log", content: "one\n" },
      { name: "logs/out", type: "symlink", target: "/etc/shadow" },
      { name: "current", type: "symlink", target: "/logs" },
    ]),
    host: { Tmpfs: { "/logs/memory": "" } },
    steps: ["write", "/logs/memory/note", "in memory"],
  });
}

/** Returns the lines of the host's mount table for a directory and everything below it. */
function mountsAt(place: string): string[] {
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .filter((line) => (line.split(" ")[4] ?? "").startsWith(place));
}

describeWith(["root", "docker"], "a mount of a container's directory, for root", () => {
  let by: User;
  let web: Container;
  beforeAll(async () => {
    by = user({ engine: engine("docker") });
    web = await target(engine("docker"));
  });

  function place(name: string): string {
    const path = `${by.directory}/${name}`;
    mkdirSync(path);
    onTestFinished(() => {
      if (mountsAt(path).length > 0) execFileSync("umount", ["-l", path]);
    });
    return path;
  }

  test("it is visible to every process, read-only, without following links, and is listed until it is unmounted", async () => {
    const at = place("seen");
    expect(await by.run(["mount", `${web.name}:/current`, at])).toMatchObject({ code: 0, stderr: "", text: "" });
    expect(readFileSync(`${at}/app.log`, "utf8")).toBe("one\n");
    expect(readFileSync(`${at}/memory/note`, "utf8")).toBe("in memory\n");
    expect(() => readFileSync(`${at}/out`)).toThrow("ELOOP");
    expect(() => writeFileSync(`${at}/new`, "")).toThrow("EROFS");
    for (const line of mountsAt(at)) expect(line).toMatch(/ ro,nosuid,nodev,.*nosymfollow/);
    expect((await by.run(["agents"])).text).toMatch(
      new RegExp(`\\nMOUNTED +AGE +AT\\n${web.name}:/logs +\\d+ s +${at}\\n$`),
    );
    expect(JSON.parse((await by.run(["agents", "--json"])).text.split("\n").at(-2) ?? "")).toEqual({
      mount: `${web.name}:/logs`,
      mountPoint: at,
      keeper: expect.any(Number),
      ageSeconds: expect.any(Number),
    });
    expect(await by.run(["umount", at])).toMatchObject({ code: 0, stderr: "" });
    expect([mountsAt(at), readdirSync(at)]).toEqual([[], []]);
    expect((await by.run(["agents"])).text).not.toContain("MOUNTED");
  });

  test.each(["umount(8)", "the end of the container", "detach --all"])(
    "%s removes it, and its keeper ends",
    async (how) => {
      const at = place(`taken-${how.replace(/\W/g, "")}`);
      const other = await target(engine("docker"));
      await by.run(["mount", `${other.name}:/`, at]);
      const { text } = await by.run(["agents", "--json"]);
      const listed = jsonLines<{ mountPoint?: string; keeper?: number }>(text);
      const keeper = listed.find(({ mountPoint }) => mountPoint === at)?.keeper;
      expect(mountsAt(at).length).toBeGreaterThan(1);
      if (how === "umount(8)") execFileSync("umount", ["-R", "-l", at]);
      else if (how === "detach --all") await by.run(["detach", "--all"]);
      else await other.remove();
      await waitFor("the mounts to be removed", () => mountsAt(at).length === 0);
      await waitFor("the keeper to end", () => !readdirSync("/proc").includes(String(keeper)));
      expect((await by.run(["agents"])).text).not.toContain(at);
    },
  );

  test("it is removed again if porthole ends before the mount is recorded", async () => {
    const at = place("unrecorded");
    const other = user({ engine: engine("docker") });
    mkdirSync(`${other.env.XDG_STATE_HOME}/porthole`, { mode: 0o700 });
    writeFileSync(`${other.env.XDG_STATE_HOME}/porthole/mounts`, "a file in the place of the directory");
    const { code, stderr } = await other.run(["mount", `${web.name}:/logs`, at]);
    expect(stderr).toMatch(
      /^porthole: cannot mount, because the mount cannot be recorded: .*\(free some space, or .*\)\n$/,
    );
    expect(code).toBe(4);
    await waitFor("the mount to be removed", () => mountsAt(at).length === 0);
  });

  test.each([
    ["/none", "cannot stat NAME:/none: No such file or directory"],
    ["/logs/app.log", "cannot mount NAME:/logs/app.log: a file, not a directory"],
  ])("a path that is not a directory is refused in one line: %s", async (path, line) => {
    const at = place(`not${path.replaceAll("/", "-")}`);
    const { code, stderr } = await by.run(["mount", `${web.name}:${path}`, at]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: `porthole: ${line.replace("NAME", web.name)}\n` });
    expect(mountsAt(at)).toEqual([]);
  });

  test("a directory that is in use or belongs to another user is refused, and so is a stopped target", async () => {
    const [full, foreign, open] = [place("full"), place("foreign"), place("open")];
    writeFileSync(`${full}/x`, "");
    chownSync(foreign, ORDINARY_USER, ORDINARY_USER);
    execFileSync("chmod", ["777", open]);
    symlinkSync(full, `${by.directory}/link`);
    const refused = async (source: string, at: string) => {
      const { code, stderr } = await by.run(["mount", source, at]);
      return `${code} ${stderr}`;
    };
    const source = `${web.name}:/logs`;
    expect(await refused(source, full)).toMatch(/^2 porthole: cannot mount on .*: it is not empty \(.*\)\n$/);
    expect(await refused(source, `${by.directory}/link`)).toMatch(/it is not empty/);
    expect(await refused(source, foreign)).toMatch(/^2 porthole: cannot mount on .*: it belongs to uid \d+ \(.*\)\n$/);
    expect(await refused(source, open)).toMatch(/^2 porthole: cannot mount on .*: others may write to it .*\n$/);
    expect(await refused(source, "/nosuch")).toMatch(
      /^2 porthole: cannot mount on \/nosuch: no such directory \(.*\)\n$/,
    );
    expect(await refused("volume:x:/", place("volume"))).toMatch(
      /^2 porthole: cannot mount .*: only running targets .*\n$/,
    );
    expect((await by.run(["umount", full])).stderr).toMatch(/^porthole: not a mount of porthole: .*\n$/);
  });
});

describeWith(["root", "docker", "userNamespaces"], "a mount for one command", () => {
  test("an ordinary user sees the container's directory only in the command, as one line reports", async () => {
    const by = user({ uid: ORDINARY_USER, engine: engine("docker") });
    const web = await target(engine("docker"));
    const seen = await by.run(["mount", `${web.name}:`, "--", "cat", "logs/app.log"]);
    expect(seen).toMatchObject({ code: 0, stderr: "", text: "one\n" });
    const refused = await by.run(["mount", `${web.name}:/logs`, by.directory]);
    expect([refused.code, refused.stderr]).toEqual([
      4,
      `porthole: only root may mount for every process of this machine (porthole mount ${web.name}:/logs -- $SHELL shows it to one command)\n`,
    ]);
    expect(mountsAt(by.directory)).toEqual([]);
  });
});
