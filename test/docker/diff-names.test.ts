import { expect, test } from "vitest";
import { describeWithDocker } from "../helpers/availability.ts";
import { container, engine, uniqueName } from "../helpers/engine.ts";
import { user } from "../helpers/porthole.ts";

describeWithDocker("porthole diff", () => {
  test("prints exact names to a pipe, also if they are not UTF-8, and times in nanoseconds", async () => {
    const on = engine("docker");
    const script = `mkdir /d; cd /d; touch "$(printf 'new\\nline')" "$(printf 'bad\\377')"; touch /d/ready; exec sleep 1000`;
    const target = await container(on, { name: uniqueName("named"), script });
    const by = user({ engine: on });
    await expect.poll(async () => (await by.run(["ls", `${target.name}:/d`])).text).toContain("ready");
    const { stdout } = await by.run(["diff", target.name]);
    expect(Buffer.from(stdout).toString("latin1")).toContain("/d/bad\xff\n");
    expect(Buffer.from(stdout).toString("latin1")).toContain("/d/new\nline\n");
    expect((await by.run(["diff", "--json", target.name])).text).toMatch(
      /"path":"\/d\/ready".*"modified":"[^"]*\.\d{9}Z"/,
    );
  });
});
