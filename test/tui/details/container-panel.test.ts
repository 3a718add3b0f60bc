import { describe, expect, it } from "vitest";
import { containerPanel, groupPanel } from "../../../cli/tui/browser/containers/container-panel.ts";
import type { Found } from "../../../cli/tui/browser/containers/container-watch.ts";
import type { PanelState } from "../../../cli/tui/view/panel.ts";
import type { ContainerDetails, ListedContainer } from "../../../src/engines/index.ts";

const AT = { column: 66, row: 0, width: 54, height: 33 };
const NOW = Date.parse("2026-01-31T12:00:00Z");
const details: ContainerDetails = {
  ...{ exitCode: 0, isOomKilled: false, error: "", health: "", restarts: 0, mounts: [] },
  ...{ started: NOW - 60_000, finished: undefined, pid: 7, route: "direct", obstacles: [] },
};
const container: ListedContainer = {
  ...{ id: "a".repeat(64), name: "web", image: "shop/web:1", state: "running", status: "", project: "", service: "" },
  ...{ number: "", isOneOff: false, isSidecar: false, labels: new Map(), ports: [], details },
  engine: { socketPath: "/run/docker.sock", source: "test", name: "docker" },
};
const nothing: Found = { lines: undefined, failure: "", logFiles: undefined };

function panel(
  change: Partial<ListedContainer> = {},
  found: Partial<Found> = {},
  areSeveralEngines = false,
): PanelState {
  return containerPanel({ ...container, ...change }, AT, {
    ...{ usage: [], found: { ...nothing, ...found }, now: NOW, areSeveralEngines },
    keys: { output: "L", open: "Enter" },
  });
}

/** Facts as text: the label and its rows. */
function factsOf({ facts }: PanelState): Record<string, string[]> {
  return Object.fromEntries(
    facts.map(({ label, rows }) => [
      label,
      rows.map(({ texts, end }) => [...texts.map(({ text }) => text), ...(end ? [`| ${end}`] : [])].join("")),
    ]),
  );
}

describe("the details of a container", () => {
  it("show its image, how long it runs, its route and why earlier routes are not available", () => {
    expect(factsOf(panel())).toEqual({ IMAGE: ["shop/web:1"], UP: ["1 min"], ROUTE: ["direct"] });
    const obstacles = ["direct: this needs root"];
    expect(factsOf(panel({ details: { ...details, route: "sidecar", obstacles } })).ROUTE).toEqual([
      "sidecar",
      "direct: this needs root",
    ]);
    expect(factsOf(panel({}, {}, true)).ENGINE).toEqual(["docker"]);
  });

  it("show published and unpublished ports, and mounts with their sources", () => {
    const ports = [
      { published: 0, port: 443, protocol: "tcp" },
      { published: 8080, port: 80, protocol: "tcp" },
    ];
    const mounts = [
      {
        destination: "/data",
        source: "/var/lib/docker/volumes/data/_data",
        type: "volume",
        name: "data",
        isReadOnly: false,
      },
      { destination: "/etc/host", source: "/etc", type: "bind", name: "", isReadOnly: true },
      { destination: "/cache", source: "", type: "tmpfs", name: "", isReadOnly: false },
    ];
    const facts = factsOf(panel({ ports, details: { ...details, mounts } }));
    expect(facts.PORTS).toEqual(["8080→80 443"]);
    expect(facts.MOUNTS).toEqual(["/data  volume data", "/etc/host  /etc| read-only", "/cache  tmpfs"]);
  });

  it("show why a container ended, its restarts and the engine's error", () => {
    const ended = { ...details, exitCode: 137, isOomKilled: true, restarts: 4, finished: NOW - 3_600_000 };
    const shown = panel({ state: "exited", details: { ...ended, error: "no space left" } });
    expect(shown.summary.map(({ text }) => text).join("")).toBe("exited 137, OOM killed");
    expect(factsOf(shown)).toMatchObject({ ENDED: ["1 h ago"], RESTARTS: ["4"], ERROR: ["no space left"] });
  });

  it("list log files, or report that they need an agent if a selection does not start one", () => {
    const logFiles = [{ path: "/var/log/app.log", size: 2048n, modified: NOW - 5_000 }];
    expect(factsOf(panel({}, { logFiles }))["LOG FILES"]).toEqual(["/var/log/app.log| 2.0K  5 s ago"]);
    expect(factsOf(panel({}, { logFiles: [] }))["LOG FILES"]).toEqual(["none found"]);
    expect(factsOf(panel({ details: { ...details, route: "sidecar" } }))["LOG FILES"]).toEqual([
      "Enter attaches and looks for them",
    ]);
  });

  it("show the output, or why it is missing", () => {
    expect(panel({}, { lines: ["one"] }).lines).toMatchObject({ title: "OUTPUT", hint: "L shows all", lines: ["one"] });
    expect(panel({}, { failure: "its log driver is 'none'" }).lines?.note).toBe("its log driver is 'none'");
    expect(panel().lines?.note).toBe("...");
    expect(panel({}, { lines: [] }).lines?.note).toBe("no output");
    // The output of a removed container cannot be shown.
    expect(panel({ state: "removed" }, { lines: ["one"] }).lines).toMatchObject({ hint: "", lines: ["one"] });
  });

  it("show the name of a folded group and the states of its containers", () => {
    expect(groupPanel({ text: "shop (Compose)", note: "2 running" }, AT)).toMatchObject({
      title: "shop (Compose)",
      summary: [{ text: "2 running" }],
      facts: [],
    });
  });
});
