import { spawnSync } from "node:child_process";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { expect, inject, onTestFinished, test } from "vitest";
import { describeWith, describeWithDocker } from "../helpers/availability.ts";
import { container, engine, firstProcess, uniqueName } from "../helpers/engine.ts";
import { following } from "../helpers/following.ts";
import { LOGROTATE, ORDINARY_USER } from "../helpers/machine.ts";
import { mountBinds, user } from "../helpers/porthole.ts";
import { workloadReady } from "../helpers/processes.ts";
import { waitFor } from "../helpers/wait-for.ts";

const docker = engine("docker");

describeWithDocker("porthole tail -F in containers", () => {
  test.for([
    { uid: 0, route: "direct" },
    { uid: 0, route: "mount" },
    { uid: ORDINARY_USER, route: "sidecar" },
  ])("continues at its position after a restart, and reports it in one line (route $route)", async ({ uid, route }) => {
    const someone = user({ uid, engine: docker });
    const host = route === "mount" ? { Binds: await mountBinds(someone) } : {};
    const target = await container(docker, { host, steps: ["write", "/log", "began"] });
    const tail = following(someone, ["--route", route, "-F", `${target.name}:/log`]);
    await tail.shows("began\n");
    await target.handle.restart({ t: 5 });
    await tail.shows("began\nbegan\n");
    await tail.says(`tail: ${target.name}: the container was restarted; continuing`);
    const pid = await firstProcess(target.handle);
    await workloadReady(pid);
    appendFileSync(`/proc/${pid}/root/log`, "and on\n");
    await tail.shows("began\nbegan\nand on\n");
    expect(tail.said()).not.toContain("replaced");
    expect(tail.said().split("\n").length).toBeLessThanOrEqual(3);
  });

  test("waits for a stopped container and for a missing container", async () => {
    const someone = user({ engine: docker });
    const target = await container(docker, { steps: ["write", "/log", "one"] });
    const later = uniqueName();
    const tail = following(someone, ["-q", "-F", `${target.name}:/log`, `${later}:/log`]);
    await tail.says(new RegExp(`^tail: cannot open '${later}:/log' for reading: no such container: '${later}'`));
    await tail.shows("one\n");
    await target.handle.stop({ t: 5 });
    await tail.says(`tail: ${target.name}: container '${target.name}' is not running (exited); waiting for it`);
    await target.handle.start();
    await tail.shows("one\none\n");
    await tail.says(`tail: ${target.name}: the container was restarted; continuing`);
    await container(docker, { name: later, steps: ["write", "/log", "two"] });
    await tail.shows("one\none\ntwo\n");
    await tail.says(`tail: '${later}:/log' has become accessible`);
  });

  test("follows several containers through restart, recreation and rotation at once", async () => {
    const someone = user({ engine: docker });
    const [web, api, db] = await Promise.all(
      ["web", "api", "db"].map((text) => container(docker, { steps: ["dir", "/d", "write", "/d/log", text] })),
    );
    if (!web || !api || !db) throw new Error("no containers");
    const tail = following(someone, ["-F", ...[web, api, db].map(({ name }) => `${name}:/d/log`)]);
    const header = ({ name }: { name: string }) => `==> ${name}:/d/log <==\n`;
    let expected = `${header(web)}web\n\n${header(api)}api\n\n${header(db)}db\n`;
    await tail.shows(expected);
    await api.remove();
    const again = await container(docker, { name: api.name, steps: ["dir", "/d", "write", "/d/log", "api again"] });
    expected += `\n${header(api)}api again\n`;
    await tail.shows(expected);
    await tail.says(`tail: ${api.name}: another container has this name now; continuing`);
    await tail.says(`tail: '${api.name}:/d/log' has been replaced;  following new file`);

    const root = `/proc/${db.pid}/root/d`;
    spawnSync("mv", [`${root}/log`, `${root}/log.1`]);
    writeFileSync(`${root}/log`, "db rotated\n");
    expected += `\n${header(db)}db rotated\n`;
    await tail.shows(expected);
    await tail.says(`tail: '${db.name}:/d/log' has been replaced;  following new file`);

    appendFileSync(`/proc/${again.pid}/root/d/log`, "api last\n");
    expected += `\n${header(api)}api last\n`;
    await tail.shows(expected);
    appendFileSync(`/proc/${web.pid}/root/d/log`, "web last\n");
    await tail.shows(`${expected}\n${header(web)}web last\n`);
  });

  test("-f does not claim to follow a container that was created again", async () => {
    const someone = user({ engine: docker });
    const target = await container(docker, { steps: ["write", "/log", "one"] });
    const tail = following(someone, ["-f", `${target.name}:/log`]);
    try {
      await tail.shows("one\n");
      await target.remove();
      await container(docker, { name: target.name, steps: ["write", "/log", "two"] });
      await tail.says(`tail: ${target.name}: another container has this name now; it is not followed (use tail -F)`);
      expect(tail.text()).toBe("one\n");
    } finally {
      await tail.stop();
    }
  });

  test("says that it waits for files that a glob does not match yet", async () => {
    const someone = user({ engine: docker });
    const target = await container(docker, { steps: ["dir", "/d"] });
    const tail = following(someone, ["-q", "-F", `${target.name}:/d/*.log`]);
    try {
      await tail.says(`tail: no such file: '${target.name}:/d/*.log' matches nothing; waiting for it`);
      writeFileSync(`/proc/${target.pid}/root/d/a.log`, "a\n");
      await tail.shows("a\n");
    } finally {
      await tail.stop();
    }
  });

  test("follows files that a glob matches later, but not rotated files under their new names", async () => {
    const someone = user({ engine: docker });
    const target = await container(docker, { steps: ["dir", "/d", "write", "/d/a.log", "a"] });
    const root = `/proc/${target.pid}/root/d`;
    const tail = following(someone, ["-F", "--prefix", `${target.name}:/d/*.log*`]);
    const line = (path: string, text: string) => `${target.name}:${path} | ${text}\n`;
    await tail.shows(line("/d/a.log", "a"));
    writeFileSync(`${root}/b.log`, "b\n");
    await tail.says(`tail: '${target.name}:/d/b.log' has appeared;  following new file`);
    await tail.shows(line("/d/a.log", "a") + line("/d/b.log", "b"));
    spawnSync("mv", [`${root}/a.log`, `${root}/a.log.1`]);
    writeFileSync(`${root}/a.log`, "a returned\n");
    await tail.shows(line("/d/a.log", "a") + line("/d/b.log", "b") + line("/d/a.log", "a returned"));
    writeFileSync(`${root}/c.log`, "c\n");
    await tail.says(`tail: '${target.name}:/d/c.log' has appeared;  following new file`);
    await tail.shows(
      [line("/d/a.log", "a"), line("/d/b.log", "b"), line("/d/a.log", "a returned"), line("/d/c.log", "c")].join(""),
    );
    expect(tail.said()).not.toContain("a.log.1");
  });
});

describeWith(["docker", "logrotate"], "Debian's logrotate on a volume", () => {
  test.for([
    { mode: "create", directives: "create 0644", notice: "has been replaced;  following new file" },
    { mode: "nocreate", directives: "nocreate", notice: "has been replaced;  following new file" },
    { mode: "copytruncate", directives: "copytruncate", notice: "file truncated" },
  ])("in mode $mode prints each line once", async ({ directives, notice }) => {
    const someone = user({ engine: docker });
    const volume = mkdtempSync(`${inject("machine").directory}/volume-`);
    const log = `${volume}/app.log`;
    writeFileSync(log, "first\n");
    const config = `${volume}/logrotate.conf`;
    writeFileSync(config, `${log} {\n  rotate 3\n  ${directives}\n}\n`, { mode: 0o644 });
    const target = await container(docker, { host: { Binds: [`${volume}:/logs`] } });
    const name = `${target.name}:/logs/app.log`;
    const tail = following(someone, ["-F", name]);
    const rotate = () => {
      const run = spawnSync(LOGROTATE, ["--force", "--state", `${volume}/state`, config], {
        encoding: "utf8",
      });
      expect([run.status, run.stderr]).toEqual([0, ""]);
    };
    let expected = "first\n";
    onTestFinished(() => rmSync(volume, { recursive: true, force: true }));
    for (let generation = 1; generation <= 3; generation++) {
      await tail.shows(expected);
      rotate();
      // A truncated file that has grown beyond the read position looks unchanged: it cannot be
      // detected.
      if (notice === "file truncated")
        await waitFor("the truncation", () => tail.said().split(notice).length > generation);
      const line = `generation ${generation}\n`;
      appendFileSync(log, line);
      expected += line;
      await tail.shows(expected);
      await tail.says(new RegExp(notice.replace("; ", ".*")));
    }
    expect(readFileSync(`${log}.3`, "utf8")).toBe("first\n");
  });
});
