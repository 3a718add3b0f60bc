import { expect, it } from "vitest";
import { containerItems } from "../../../cli/tui/browser/containers-items.ts";
import { List } from "../../../cli/tui/lists/list.ts";
import type { ContainersState, ListedContainer } from "../../../src/engines/index.ts";

function listed(name: string, project: string): ListedContainer {
  const engine = { name: "docker", socketPath: "/run/docker.sock" };
  return { engine, id: name, name, project, service: "", image: "i", state: "running", status: "" } as ListedContainer;
}

it("finds the containers of a Compose project by the name of the project", () => {
  const containers = [listed("api", "shop"), listed("db", "shop"), listed("cache", "")];
  const state: ContainersState = { containers, troubles: [], complete: true };
  const list = new List<ReturnType<typeof containerItems>[number]>();
  list.setItems(containerItems(state, { stopped: false }));
  list.setFilter("shop");
  expect(list.shown.map(({ text, container }) => container?.name ?? text)).toEqual(["shop (Compose)", "api", "db"]);
  list.setFilter("SHOP db");
  expect(list.shown.map(({ container }) => container?.name)).toEqual([undefined, "db"]);
});
