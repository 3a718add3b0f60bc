import { describe, expect, it } from "vitest";
import {
  type ContainerColumnsOptions,
  type ContainerItem,
  containerColumns,
  containerItems,
  containerMessage,
  noProcessesMessage,
  portsText,
} from "../../../cli/tui/browser/containers/containers-items.ts";
import { DEFAULT_THEME } from "../../../cli/tui/canvas/theme.ts";
import { stateLabels } from "../../../cli/tui/connection/state-labels.ts";
import { List } from "../../../cli/tui/lists/list.ts";
import { Table } from "../../../cli/tui/lists/table.ts";
import type { ContainerDetails, ContainersState, ContainerUsage, ListedContainer } from "../../../src/engines/index.ts";

const NOW = Date.parse("2026-05-01T12:00:00Z");

function listed(name: string, project: string, more: Partial<ListedContainer> = {}): ListedContainer {
  const engine = { name: "docker", socketPath: "/run/docker.sock" };
  const base = { engine, id: name, name, project, service: "", image: "i", state: "running", status: "", ports: [] };
  return { ...base, ...more } as unknown as ListedContainer;
}

function details(more: Partial<ContainerDetails>): ContainerDetails {
  return {
    ...{ exitCode: 0, isOomKilled: false, error: "", health: "", restarts: 0, mounts: [] },
    ...{ started: undefined, finished: undefined, pid: 0, route: undefined, obstacles: [] },
    ...more,
  };
}

function stateOf(containers: readonly ListedContainer[]): ContainersState {
  return { containers, troubles: [], complete: true };
}

function listOf(containers: readonly ListedContainer[]): List<ContainerItem> {
  const list = new List<ContainerItem>();
  list.setItems(containerItems(stateOf(containers), { stopped: true }));
  return list;
}

const names = (list: List<ContainerItem>) => list.shown.map(({ text, container }) => container?.name ?? text);

it("finds containers by project, state, reason, image and port", () => {
  const list = listOf([
    listed("api", "shop"),
    listed("db", "shop", { state: "exited", details: details({ exitCode: 137, isOomKilled: true }) }),
    listed("cache", "", { image: "redis:7", ports: [{ published: 6380, port: 6379, protocol: "tcp" }] }),
  ]);
  const found = (filter: string) => {
    list.setFilter(filter);
    return names(list);
  };
  expect(found("shop")).toEqual(["shop (Compose)", "api", "db"]);
  expect(found("SHOP db")).toEqual(["shop (Compose)", "db"]);
  for (const filter of ["exited", "oom", "137"]) expect(found(filter)).toEqual(["shop (Compose)", "db"]);
  for (const filter of ["redis", "6380"]) expect(found(filter)).toEqual(["no project", "cache"]);
});

it("lists running and restarting containers before the others, and hides the others on request", () => {
  const containers = [
    listed("a", "", { state: "exited" }),
    listed("b", "", { state: "restarting" }),
    listed("c", "", { state: "created" }),
    listed("d", ""),
  ];
  const shown = (options: Parameters<typeof containerItems>[1]) =>
    containerItems(stateOf(containers), options).map(({ container }) => container?.name);
  expect(shown({ stopped: true })).toEqual(["b", "d", "a", "c"]);
  expect(shown({ stopped: false })).toEqual(["b", "d"]);
  expect(shown({ stopped: false, kept: "/run/docker.sock c" })).toEqual(["b", "d", "c"]);
});

it("shows the states of a project's containers next to its name", () => {
  const [heading] = containerItems(
    stateOf([listed("a", "shop"), listed("b", "shop"), listed("c", "shop", { state: "exited" })]),
    { stopped: true },
  );
  expect(heading).toMatchObject({ text: "shop (Compose)", note: "2 running, 1 exited" });
});

describe("the state of a container", () => {
  const words = (state: string, more: Partial<ContainerDetails> | undefined, status = "") =>
    stateLabels(listed("x", "", { state, status, details: more && details(more) }))
      .map(({ text, tone }) => `${text} [${tone}]`)
      .join(", ");

  it.each([
    ["running", {}, "running [good]"],
    ["running", { health: "healthy" }, "running [good], healthy [good]"],
    ["running", { health: "unhealthy" }, "running [good], unhealthy [bad]"],
    ["running", { health: "starting" }, "running [good], starting [warning]"],
    ["paused", {}, "paused [warning]"],
    ["restarting", { exitCode: 3 }, "restarting [warning], exit 3 [bad]"],
    ["exited", { exitCode: 0 }, "exited 0 [dim]"],
    ["exited", { exitCode: 1 }, "exited 1 [bad]"],
    ["exited", { exitCode: 137 }, "exited 137 [bad], SIGKILL [bad]"],
    ["exited", { exitCode: 137, isOomKilled: true }, "exited 137 [bad], OOM killed [bad]"],
    ["exited", { exitCode: 139 }, "exited 139 [bad], SIGSEGV [bad]"],
    ["exited", { exitCode: 143 }, "exited 143 [dim], SIGTERM [dim]"],
    ["exited", { exitCode: 127 }, "exited 127 [bad], command not found [bad]"],
    ["created", {}, "created [dim]"],
    ["created", { error: "no such file" }, "could not start [bad]"],
    ["dead", {}, "dead [bad]"],
    ["", {}, "unknown [dim]"],
  ])("%s with %j is shown as %s", (state, more, shown) => {
    expect(words(state, more)).toBe(shown);
  });

  it("is taken from the engine's summary as long as there are no details", () => {
    expect(words("exited", undefined, "Exited (2) 3 days ago")).toBe("exited 2 [bad]");
    expect(words("exited", undefined)).toBe("exited [dim]");
    expect(words("running", undefined, "Up 3 hours (unhealthy)")).toBe("running [good], unhealthy [bad]");
    expect(words("running", undefined, "Up 2 seconds (health: starting)")).toBe("running [good], starting [warning]");
  });
});

it("shows how a container ended, when, and after how many restarts", () => {
  const ended = { exitCode: 137, isOomKilled: true, restarts: 2, finished: NOW - 180_000 };
  expect(containerMessage(listed("web", "", { state: "exited", details: details(ended) }), NOW)).toBe(
    "web: exited 137, OOM killed, 3 min ago, after 2 restarts: its layers and volumes can be read",
  );
  expect(noProcessesMessage(listed("web", "", { state: "exited", details: details(ended) }), NOW)).toBe(
    "no processes to show: web: exited 137, OOM killed, 3 min ago, after 2 restarts",
  );
  const failed = details({ exitCode: 127, error: "exec: no such file" });
  expect(containerMessage(listed("web", "", { state: "created", details: failed }), NOW)).toBe(
    "web: could not start, exec: no such file: its layers and volumes can be read",
  );
  expect(containerMessage(listed("web", "", { state: "removed" }), NOW)).toBe("web was removed");
  const justEnded = details({ route: undefined, obstacles: [] });
  expect(containerMessage(listed("web", "", { state: "running", details: justEnded }), NOW)).toBe("web has ended");
});

it("shows published ports, and the protocol of those that are not TCP", () => {
  const port = (published: number, of: number, protocol = "tcp") => ({ published, port: of, protocol });
  expect(portsText([port(8080, 80), port(0, 443), port(53, 53, "udp")])).toBe("8080→80 53→53/udp");
});

const COLUMNS: ContainerColumnsOptions = {
  theme: DEFAULT_THEME,
  now: () => NOW,
  areSeveralEngines: () => false,
  expectsUsage: () => false,
  usage: () => [],
  markOf: () => "",
};

it.each([80, 120, 200])("keeps its columns at %i columns when the usage of its containers arrives", (width) => {
  const samples: ContainerUsage[] = [];
  const columns = containerColumns({ ...COLUMNS, expectsUsage: () => true, usage: () => samples });
  const started = { started: NOW - 59_000, route: "direct" } as const;
  const containers = [listed("web", "", { image: "registry.example/web:7", details: details(started) })];
  const table = new Table(columns);
  const title = () => table.rows(containerItems(stateOf(containers), { stopped: true }), width, { title: "" }).title;
  const first = title();
  expect(first).toContain("CPU");
  samples.push({ cores: 0.125, memory: 1000 * 2 ** 20, memoryLimit: undefined });
  expect(title()).toBe(first);
  containers[0] = listed("web", "", { details: details({ ...started, started: NOW - 61_000 }) });
  expect(title()).toBe(first);
});

it("keeps its columns when a container restarts for the first time", () => {
  const table = new Table(containerColumns(COLUMNS));
  const title = (restarts: number) =>
    table.rows(
      containerItems(stateOf([listed("web", "", { details: details({ restarts }) })]), { stopped: true }),
      120,
      {
        title: "",
      },
    ).title;
  const first = title(0);
  expect(first).toContain("RESTARTS");
  expect(title(1)).toBe(first);
});

it("shows the route at 80 columns until a container restarts", () => {
  const table = new Table(containerColumns({ ...COLUMNS, expectsUsage: () => true }));
  const title = (restarts: number) => {
    const one = listed("shop-web-12345-1", "", { details: details({ restarts, route: "sidecar" }) });
    return table.rows(containerItems(stateOf([one]), { stopped: true }), 80, { title: "" }).title;
  };
  expect(title(0)).toMatch(/ROUTE +IMAGE/);
  expect(title(1)).toMatch(/RESTARTS +IMAGE/);
});

it("shows a long name, the sparkline and the image of a container at 120 columns", () => {
  const image = "registry.example.com/payments:2026.11";
  const options = { ...COLUMNS, expectsUsage: () => true, usage: () => [{ cores: 1, memory: 1, memoryLimit: 1 }] };
  const [row = ""] = new Table(containerColumns(options)).rows(
    containerItems(stateOf([listed("shop-payments-gateway-worker-1-blue", "", { image })]), { stopped: true }),
    119,
    { title: "" },
  ).rows;
  expect(row.replace(/\x1b\[[0-9;]*m/g, "")).toMatch(
    /^shop-payments-gateway-w\S+… .* [▁-█]+ .* …\S*payments:2026\.11$/,
  );
});

it("shows the end of a long image name, which has the name and the tag", () => {
  const image = "registry.example.com/platform/payments/gateway:2026.11";
  const [row = ""] = new Table(containerColumns({ ...COLUMNS, expectsUsage: () => true })).rows(
    containerItems(stateOf([listed("web", "", { image })]), { stopped: true }),
    80,
    { title: "" },
  ).rows;
  expect(row.replace(/\x1b\[[0-9;]*m/g, "")).toMatch(/ …\S*:2026\.11$/);
});

it.each([80, 120, 200])("shows name, state and age at %i columns, in exactly the width", (width) => {
  const columns = containerColumns(COLUMNS);
  const ended = details({ exitCode: 137, isOomKilled: true, finished: NOW - 3_600_000, restarts: 3 });
  const container = listed(`${"long-".repeat(12)}name`, "shop", { state: "exited", details: ended });
  const { title, rows } = new Table(columns).rows(
    containerItems(stateOf([container]), { stopped: true }).slice(1),
    width,
    {
      title: "",
    },
  );
  expect(title).toMatch(/^NAME +STATE +UP /);
  const row = (rows[0] ?? "").replace(/\x1b\[[0-9;]*m/g, "");
  expect(row).toMatch(/^long-long-\S*… {2}exited 137, OOM ki\S+ +1 h ago/);
  expect(row.length).toBe(width);
});
