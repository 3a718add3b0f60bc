import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { container, engine } from "../helpers/engine.ts";
import { repository } from "../helpers/paths.ts";
import { user } from "../helpers/porthole.ts";
import { waitFor } from "../helpers/wait-for.ts";

describeWith(["docker", "dockerCommand"], "the demo's images", () => {
  test("are made from this machine alone, and their logs are read from outside", async () => {
    const docker = engine("docker");
    const env = { ...process.env, DOCKER_HOST: docker.host };
    const said = execFileSync("sh", [`${repository}docker/demo/images.sh`], { env, encoding: "utf8" });
    expect(said).toBe("porthole-demo/scratch\nporthole-demo/shell\n");

    const someone = user({ engine: docker });
    for (const image of ["porthole-demo/scratch", "porthole-demo/shell"]) {
      const target = await container(docker, { image, entrypoint: true, steps: ["log", "/log/app.log", "10", "5"] });
      const both = ["cat", `${target.name}:/log/app.log.1`, `${target.name}:/log/app.log`];
      const result = await waitFor("a log that was rotated", async () => {
        const run = await someone.run(both);
        return run.code === 0 && run;
      });
      expect(result.text).toMatch(/^(line \d+\n)+$/);
    }
  });
});
