import { expect, test } from "vitest";
import { Json } from "../../src/engines/api/engine-json.ts";
import { containerLayers } from "../../src/engines/layers/layers.ts";

const hosts = "/run/containers/none/userdata/hosts";

function bindsOf(finished: Date, isPodman: boolean): object[] {
  const body = { Id: "a".repeat(64), HostsPath: hosts, State: { FinishedAt: finished.toISOString() } };
  return containerLayers(new Json(body, { socketPath: "/engine", path: "/containers/web/json" }), isPodman).binds;
}

// Podman would create a directory of that name, and the container could not start again.
test("a file that Podman made before the machine started is not mounted into a sidecar", () => {
  const bind = [{ source: hosts, destination: "/etc/hosts" }];
  expect(bindsOf(new Date(), true)).toEqual(bind);
  expect(bindsOf(new Date("2001-02-03"), true)).toEqual([]);
  expect(bindsOf(new Date("2001-02-03"), false)).toEqual(bind);
});
