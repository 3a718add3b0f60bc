import { mkdtempSync, renameSync, writeFileSync } from "node:fs";
import { expect, inject, test } from "vitest";
import { describeWithDocker } from "../helpers/availability.ts";
import { container, engine } from "../helpers/engine.ts";
import { user } from "../helpers/porthole.ts";

describeWithDocker("a file of the host that is mounted into a container", () => {
  test("is reported as replaced after an editor replaced it on the host", async () => {
    const docker = engine("docker");
    const someone = user({ uid: 0, engine: docker });
    const directory = mkdtempSync(`${inject("machine").directory}/replaced-`);
    writeFileSync(`${directory}/app.conf`, "old\n");
    const { name } = await container(docker, { host: { Binds: [`${directory}/app.conf:/app.conf`] } });
    const stat = (...args: string[]) => someone.run(["stat", ...args, `${name}:/app.conf`]);
    expect((await stat()).text).not.toContain("another one now");

    writeFileSync(`${directory}/.app.conf.swp`, "new\n");
    renameSync(`${directory}/.app.conf.swp`, `${directory}/app.conf`);
    const { text } = await stat();
    expect(text).toMatch(
      /^Storage: bind .*app\.conf.*: the file on the host was replaced or removed; restart the container/m,
    );
    expect(text).not.toContain("//deleted");
    expect(text).not.toContain("Deleted:");
    expect(JSON.parse((await stat("--json")).text).backing).toMatchObject({ replaced: true });
    expect((await someone.run(["cat", `${name}:/app.conf`])).text).toBe("old\n");
  });
});
