import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { afterAll, expect, test } from "vitest";
import { describeWithDocker, describeWithPodman } from "../helpers/availability.ts";
import { busyboxImage, container, engine, image } from "../helpers/engine.ts";
import { mountBinds, user } from "../helpers/porthole.ts";

const base = mkdtempSync(`${tmpdir()}/porthole-cp-`);
afterAll(() => rmSync(base, { recursive: true }));

describeWithDocker("cp from a container of Docker", () => copies("docker"));
describeWithPodman("cp from a container of Podman", () => copies("podman"));

const SCRIPT = `
mkdir /d; echo kept > /d/f; chmod 604 /d/f; touch -d @1500000000 /d/f; echo memory > /memory/f; echo said
while [ ! -e /end ]; do sleep 0.1; done`;

function copies(name: "docker" | "podman"): void {
  test("copies files of a running container, in memory, of its output, of its image, and of a stopped container", async () => {
    const on = engine(name);
    const into = mkdtempSync(`${base}/`);
    const by = user({ engine: on });
    const image = await busyboxImage(on);
    const { name: web, handle } = await container(on, { script: SCRIPT, host: { Tmpfs: { "/memory": "" } } });
    const said = () => by.run(["cat", `${web}:@logs`]);
    await expect.poll(async () => (await said()).text, { timeout: 60_000 }).toBe("said\n");

    const sources = [`${web}:/d`, `${web}:/memory/f`, `${web}:@logs`];
    expect(await by.run(["cp", ...sources, into])).toMatchObject({ code: 0, stderr: "" });
    expect(readdirSync(into).sort()).toEqual(["d", "f", `${web}-logs.log`].sort());
    expect(readFileSync(`${into}/f`, "utf8")).toBe("memory\n");
    expect(readFileSync(`${into}/${web}-logs.log`, "utf8")).toBe("said\n");
    expect(statSync(`${into}/d/f`)).toMatchObject({ mode: 0o100604, mtimeMs: 1_500_000_000_000 });

    await handle.stop({ t: 0 });
    expect(await by.run(["cp", `${web}:/d/f`, `${into}/stopped`])).toMatchObject({ code: 0, stderr: "" });
    expect(readFileSync(`${into}/stopped`, "utf8")).toBe("kept\n");
    const written = await by.run(["cp", "--rw", `${into}/stopped`, `${web}:/d/f`]);
    expect(written).toMatchObject({ code: 1, text: "" });
    const remedy = `(porthole writes only to running containers; docker cp ${into}/stopped ${web}:/d/f)`;
    expect(written.stderr).toBe(`porthole: cannot open ${web}:/d/f: Read-only file system ${remedy}\n`);
    expect(await by.run(["cp", `image:${image}:/bin`, `${into}/bin`])).toMatchObject({ code: 0 });
    expect(readdirSync(`${into}/bin`)).toContain("busybox");
  });

  // An overlay copies such a file when the agent opens it for writing.
  test.each(["direct", "mount", "sidecar"])(
    "--rw overwrites a file that is only in the image, on route %s, and `with` appends to it",
    async (route) => {
      const on = engine(name);
      const by = user({ engine: on });
      const files = ["copied", "appended"].map((file) => ({ name: file, content: "a".repeat(100_000) }));
      const web = await container(on, { image: await image(on, files), host: { Binds: await mountBinds(by) } });
      const source = `${by.directory}/source`;
      writeFileSync(source, "new\n");
      const options = ["--rw", "--route", route];
      expect(await by.run(["cp", ...options, source, `${web.name}:/copied`])).toMatchObject({ code: 0, stderr: "" });
      const append = ["--", "sh", "-c", 'echo more >> "$1"', "sh", "{}"];
      expect(await by.run(["with", ...options, `${web.name}:/appended`, ...append])).toMatchObject({ code: 0 });
      const { text } = await by.run(["cat", `${web.name}:/copied`, `${web.name}:/appended`]);
      expect(text).toBe(`new\n${"a".repeat(100_000)}more\n`);
    },
  );
}
