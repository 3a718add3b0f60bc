import { describe } from "vitest";
import { describeWith } from "../helpers/availability.ts";
import { ORDINARY_USER } from "../helpers/machine.ts";
import { testSealed } from "./sealed.ts";

describeWith("remappedDocker", "a sealed container behind userns-remap", () => {
  describe.each([
    { who: "root", uid: 0, route: "direct" },
    { who: "root", uid: 0, route: "mount" },
    { who: "root", uid: 0, route: "sidecar" },
    { who: "a user who is only in the engine's group", uid: ORDINARY_USER, route: "sidecar" },
  ])("read by $who over route $route", ({ uid, route }) => {
    testSealed("remappedDocker", route, () => uid);
  });
});
