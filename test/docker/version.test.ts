import { execFileSync } from "node:child_process";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import { VERSION } from "../../src/protocol/messages.ts";
import { describeWithDocker } from "../helpers/availability.ts";
import { container, engine } from "../helpers/engine.ts";
import { repository } from "../helpers/paths.ts";
import { copyInstallation, user } from "../helpers/porthole.ts";
import { waitFor } from "../helpers/wait-for.ts";
import { routesInUse } from "./agents.ts";

/** An installation whose agent, built from the same sources, speaks the next version of the protocol. */
function newerAgent(): string {
  const installation = copyInstallation();
  const source = `${installation}/source`;
  cpSync(`${repository}agent`, source, { recursive: true, filter: (path) => !path.endsWith("/build") });
  const header = readFileSync(`${source}/protocol.h`, "utf8");
  const changed = header.replace(`ONE(version, ${VERSION})`, `ONE(version, ${VERSION + 1})`);
  expect(changed).not.toBe(header);
  writeFileSync(`${source}/protocol.h`, changed);
  execFileSync("make", ["-s", "-C", source]);
  cpSync(`${source}/build/porthole-agent`, `${installation}/agent/build/porthole-agent`);
  return installation;
}

describeWithDocker("an agent of another version", () => {
  let installation: string;
  beforeAll(() => {
    installation = newerAgent();
  });

  test.for(["direct", "sidecar"])(
    "is refused with status 4 and both versions, and does not stay (route %s)",
    async (route) => {
      const docker = engine("docker");
      const someone = user({ engine: docker, installation });
      const target = await container(docker, { steps: ["dir", "/d", "write", "/d/f", "text"] });
      const result = await someone.run(["cat", "--route", route, `${target.name}:/d/f`]);
      expect(result.stderr).toMatch(new RegExp(`^porthole: .*\\b${VERSION + 1}\\b.*\\b${VERSION}\\b.*\\n$`));
      expect(result).toMatchObject({ code: 4, text: "" });
      await waitFor("the refused agent to end", async () => (await routesInUse(docker, target)).length === 0);
    },
  );
});
