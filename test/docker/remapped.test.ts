import { beforeAll, describe, expect, test } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { witness } from "../helpers/compatibility.ts";
import { type Container, engine } from "../helpers/engine.ts";
import { ORDINARY_USER } from "../helpers/machine.ts";
import { type User, user } from "../helpers/porthole.ts";
import { routesInUse } from "./agents.ts";
import { sealed, sealedFiles } from "./sealed.ts";

describeWith("remappedDocker", "a sealed container behind userns-remap", () => {
  describe.each([
    { who: "root", uid: 0, route: "direct" },
    { who: "root", uid: 0, route: "mount" },
    { who: "root", uid: 0, route: "sidecar" },
    { who: "a user who is only in the engine's group", uid: ORDINARY_USER, route: "sidecar" },
  ])("read by $who over route $route", ({ uid, route }) => {
    let someone: User;
    let target: Container;

    beforeAll(async () => {
      someone = user({ uid, engine: engine("remappedDocker") });
      const { text } = await someone.run(["docker-args"]);
      const binds = route === "mount" ? [text.trim().replace("--volume ", "")] : [];
      target = await sealed(engine("remappedDocker"), { host: { Binds: binds } });
    });

    test.for(Object.entries(sealedFiles))(
      "gives %s byte for byte over this route",
      async ([path, content], context) => {
        const result = await witness(context, {
          section: "Containers",
          situation: "FROM scratch, read-only, uid 1000, no capability",
          on: engine("remappedDocker"),
          by: someone,
          args: ["cat", "--trace", "--route", route, `${target.name}:${path}`],
          names: { [target.name]: "web" },
        });
        expect(result).toMatchObject({ code: 0, text: content });
        expect(result.stderr).toContain(`route ${route}, `);
        expect(await routesInUse(engine("remappedDocker"), target)).toEqual([route]);
      },
    );
  });
});
