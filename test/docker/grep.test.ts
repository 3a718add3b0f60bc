import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { gzipSync } from "node:zlib";
import { beforeAll, expect, test } from "vitest";
import { describeWith, describeWithDocker } from "../helpers/availability.ts";
import { container, engine, image } from "../helpers/engine.ts";
import { ORDINARY_USER } from "../helpers/machine.ts";
import { user } from "../helpers/porthole.ts";
import { numbered } from "../text/search/corpora.ts";

const docker = engine("docker");

/** 13 MB: enough for several blocks but not for several threads. */
const log = numbered(400_000, 99_999);

describeWithDocker("grep and hexdump in containers", () => {
  test("search files of several containers and show their bytes over every route", async () => {
    const someone = user({ engine: docker });
    const reference = await image(docker, [
      { name: "srv", type: "directory" },
      { name: "srv/logs", type: "directory" },
      { name: "srv/logs/app.log", content: log, mode: 0o600 },
      { name: "srv/logs/image", content: Buffer.concat([Buffer.from("foo"), Buffer.alloc(100)]) },
      { name: "srv/.hidden", content: "foo\n" },
    ]);
    const host = { ReadonlyRootfs: true, CapDrop: ["ALL"], Tmpfs: { "/tmp": "mode=1777" } };
    const [web, api] = await Promise.all([
      container(docker, { image: reference, host, steps: ["write", "/tmp/note", "a foo in memory\n"] }),
      container(docker, { image: reference, host, steps: ["write", "/tmp/note", "none\n"] }),
    ]);
    for (const route of ["direct", "sidecar"]) {
      const found = await someone.run([
        "grep",
        "--route",
        route,
        "-n",
        "--sort=path",
        "foo",
        `${web.name}:/srv`,
        `${web.name}:/tmp`,
        `${api.name}:/tmp`,
      ]);
      const lines = [99_999, 199_998, 299_997, 399_996].map(
        (n) => `${web.name}:/srv/logs/app.log:${n}:${n} line of the log foo\n`,
      );
      expect(found).toMatchObject({
        code: 0,
        stderr: "",
        text: `${lines.join("")}${web.name}:/tmp/note:1:a foo in memory\n`,
      });

      const counted = await someone.run([
        "grep",
        "--route",
        route,
        "-c",
        "-j1",
        "foo",
        `${web.name}:/srv/logs/*`,
        `${api.name}:/srv/logs/app.log`,
      ]);
      expect(counted).toMatchObject({
        code: 0,
        stderr: "",
        text: `${web.name}:/srv/logs/app.log:4\n${web.name}:/srv/logs/image:1\n${api.name}:/srv/logs/app.log:4\n`,
      });

      const dumped = await someone.run(["hexdump", "--route", route, "-C", `${web.name}:/srv/logs/image`]);
      expect(dumped).toMatchObject({
        code: 0,
        stderr: "",
        text:
          `00000000  66 6f 6f${" 00".repeat(5)} ${" 00".repeat(8)}  |foo.............|\n` +
          `00000010 ${" 00".repeat(8)} ${" 00".repeat(8)}  |................|\n*\n` +
          `00000060 ${" 00".repeat(7)}${" ".repeat(28)}  |.......|\n00000067\n`,
      });
      const device = await someone.run(["hexdump", "--route", route, "-n", "32", `${web.name}:/dev/zero`]);
      expect(device).toMatchObject({
        code: 0,
        stderr: "",
        text: `00000000 ${" 00".repeat(8)} ${" 00".repeat(8)}  |${".".repeat(16)}|\n*\n00000020\n`,
      });
    }
  });
});

describeWith(["docker", "root"], "a user who may enter a container that an agent in a sidecar serves", () => {
  const someone = user({ engine: docker });
  const files = [...Array(2_100).keys()].map((number) => ({ name: `many/${number}`, content: `${number}\n` }));
  const finder = `${someone.directory}/bin/find`;
  let name = "";

  beforeAll(async () => {
    const directories = ["many", "many/deep"].map((name) => ({ name, type: "directory" as const }));
    const reference = await image(docker, [...directories, ...files, { name: "many/deep/found", content: "" }]);
    ({ name } = await container(docker, { image: reference }));
    expect((await someone.run(["cat", "--route", "sidecar", `${name}:/many/1`])).text).toBe("1\n");
  });

  test("searches its directories on trees, unless the route is given", async () => {
    const grep = (...args: string[]) =>
      someone.run(["grep", ...args, "^1234$", `${name}:/many`], { env: { PORTHOLE_DEBUG: "1" } });
    const text = `${name}:/many/1234:1234\n`;
    const found = await grep();
    expect(found).toMatchObject({ code: 0, text });
    // On a slow machine, only the time limit may be a reason for links.
    expect(found.stderr).toMatch(/^$|it takes longer than/);
    const given = await grep("--route", "sidecar");
    expect(given).toMatchObject({ code: 0, text });
    expect(given.stderr).toContain("the search goes by links: ");
  });

  test("leaves a long walk to find(1)", async () => {
    mkdirSync(dirname(finder));
    const script = `#!/bin/sh\necho >> ${finder}.log\nPATH=\${PATH#*:} exec find "$@"\n`;
    writeFileSync(finder, script, { mode: 0o755 });
    const env = { PATH: `${dirname(finder)}:${process.env.PATH}` };
    const found = await someone.run(["find", "--bare", `${name}:/many`, "-name", "found"], { env });
    expect(found).toMatchObject({ code: 0, stderr: "", text: "/many/deep/found\n" });
    expect(existsSync(`${finder}.log`)).toBe(true);
  });
});

describeWith(["docker", "root"], "grep by a user of the docker group", () => {
  test("reads files that only root may open, under the same names, also in directories", async () => {
    const member = user({ uid: ORDINARY_USER, engine: docker });
    const long = `first foo\n${numbered(20_000, 5000)}`;
    const reference = await image(docker, [
      { name: "log", type: "directory" },
      { name: "old", type: "directory" },
      { name: "log/secret", content: long, mode: 0o600 },
      { name: "log/open", content: "open foo\n", mode: 0o644 },
      { name: "log/binary", content: "foo\0foo\n", mode: 0o600 },
      { name: "log/.hidden", content: "foo\n", mode: 0o600 },
      { name: "old/secret.gz", content: gzipSync("foo\n\x1b[1m\n"), mode: 0o600 },
    ]);
    const { name } = await container(docker, { image: reference });
    const grep = (...args: string[]) => member.run(["grep", ...args]);
    expect(await grep("-c", "foo", `${name}:/log/secret`)).toMatchObject({ code: 0, stderr: "", text: "5\n" });
    expect(await grep("--sort=path", "-c", "foo", `${name}:/log`)).toMatchObject({
      code: 0,
      stderr: "",
      text: `${name}:/log/open:1\n${name}:/log/secret:5\n`,
    });
    expect(await grep("-m1", "foo", `${name}:/log/secret`)).toMatchObject({ code: 0, text: "first foo\n" });
    expect((await grep("-q", "foo", `${name}:/log`)).code).toBe(0);
    for (const path of ["/old", "/old/secret.gz"])
      expect(await grep("-zI", "foo", `${name}:${path}`)).toMatchObject({ code: 0, stderr: "", text: "foo\n" });
  });
});
