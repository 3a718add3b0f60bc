import type { ContainerPort, ContainersState, ContainerUsage, ListedContainer } from "../../../../src/engines/index.ts";
import type { Theme } from "../../canvas/theme.ts";
import { duration, relativeTime } from "../../connection/durations.ts";
import { isLive, isRunning, REMOVED, stateBegan, stateLabels } from "../../connection/state-labels.ts";
import type { ListItem } from "../../lists/list.ts";
import type { Cell, Column } from "../../lists/table.ts";
import { cpuSparkline, cpuText, memorySparkline, memoryText } from "./usage-text.ts";

/** A line of the list of containers. */
export interface ContainerItem extends ListItem {
  container: ListedContainer | undefined;
}

export interface ContainerItemsOptions {
  /** Shows stopped containers. */
  stopped: boolean;
  /** Key of an item that is shown in any state. */
  kept?: string | undefined;
}

/**
 * Returns lines for the containers, grouped by Compose project or Kubernetes namespace. Running and
 * restarting containers come first in each group.
 */
export function containerItems(state: ContainersState, { stopped, kept }: ContainerItemsOptions): ContainerItem[] {
  const shown = state.containers.filter((one) => stopped || isLive(one) || containerKey(one) === kept);
  const projects = [...new Set(shown.map(groupOf))].sort((a, b) => order(a, b));
  const isHeaded = projects.length > 1 || (projects[0] ?? "") !== "";
  return projects.flatMap((project) => {
    const members = shown
      .filter((one) => groupOf(one) === project)
      .sort((a, b) => Number(isLive(b)) - Number(isLive(a)) || (a.name < b.name ? -1 : 1));
    const key = `project ${project}`;
    const text = titleOf(members);
    const heading = { key, text, note: summary(members), heading: true, container: undefined };
    return isHeaded ? [heading, ...members.map((one) => itemOf(one, key))] : members.map((one) => itemOf(one));
  });
}

/** Returns the number of stopped containers, which {@link containerItems} omits by default. */
export function stoppedCount(state: ContainersState): number {
  return state.containers.filter((one) => !isLive(one)).length;
}

/**
 * Identifies a container across engines. A name is not enough, because another container may get it
 * later.
 */
export function containerKey({ engine, id }: Pick<ListedContainer, "engine" | "id">): string {
  return `${engine.socketPath} ${id}`;
}

export interface ContainerColumnsOptions {
  theme: Theme;
  now(): number;
  /** True if the containers belong to several engines. */
  areSeveralEngines(): boolean;
  /** True if usage samples of a container will come. */
  expectsUsage(): boolean;
  /** Usage samples of a container, oldest first. */
  usage(container: ListedContainer): readonly ContainerUsage[];
  /** `*` for a marked container, a space for other containers; empty if no container is marked. */
  markOf(container: ListedContainer): string;
}

/** Width of a sparkline in columns. */
const SPARKLINE = 8;
/** Widths of usual values: `17 min`, `12.5%`, `1023M`. */
const [UP, CPU, MEMORY] = [6, 5, 6];

export function containerColumns(options: ContainerColumnsOptions): Column<ContainerItem>[] {
  const { theme, now, usage, markOf } = options;
  const of = (read: (container: ListedContainer) => Cell) => (item: ContainerItem) =>
    item.container === undefined ? "" : read(item.container);
  const usageWidth = (width: number) => () => (options.expectsUsage() ? width : 0);
  return [
    {
      title: "NAME",
      cell: of((one) => {
        const mark = markOf(one);
        return { text: `${mark}${one.name}`, style: mark === "*" ? theme.marked : isLive(one) ? "1" : "" };
      }),
      maxWidth: 60,
      share: 0.35,
      shrinksTo: 28,
    },
    { title: "STATE", cell: of((one) => stateCell(one, theme)), maxWidth: 32, share: 0.3 },
    { title: "UP", cell: of((one) => upCell(one, now(), theme)), align: "right", minWidth: () => UP, dispensable: 1 },
    {
      title: "CPU",
      cell: of((one) => cpuText(usage(one))),
      align: "right",
      isOptional: true,
      minWidth: usageWidth(CPU),
      dispensable: 2,
    },
    {
      title: "",
      cell: of((one) => sparklineCell(cpuSparkline, usage(one), theme)),
      isOptional: true,
      minWidth: usageWidth(SPARKLINE),
      dispensable: 10,
    },
    {
      title: "MEMORY",
      cell: of((one) => memoryText(usage(one))),
      align: "right",
      isOptional: true,
      minWidth: usageWidth(MEMORY),
      dispensable: 3,
    },
    {
      title: "",
      cell: of((one) => sparklineCell(memorySparkline, usage(one), theme)),
      isOptional: true,
      minWidth: usageWidth(SPARKLINE),
      dispensable: 12,
    },
    {
      title: "RESTARTS",
      cell: of((one) => ({ text: one.details?.restarts ? String(one.details.restarts) : "", style: theme.warning })),
      align: "right",
      dispensable: 6,
      // At 80 columns the route has its place until a container restarts.
      dispensableEmpty: 11,
    },
    { title: "PORTS", cell: of(({ ports }) => portsText(ports)), maxWidth: 20, isOptional: true, dispensable: 7 },
    { title: "ROUTE", cell: of((one) => routeText(one)), dispensable: 9 },
    {
      title: "ENGINE",
      cell: of((one) => (options.areSeveralEngines() ? one.engine.name : "")),
      maxWidth: 20,
      isOptional: true,
      dispensable: 4,
    },
    {
      title: "IMAGE",
      cell: of((one) => ({ text: one.image, style: theme.dim })),
      keepsEnd: true,
      rest: 16,
      restWanted: 24,
      dispensable: 5,
    },
  ];
}

/** Returns the message for a container: why it cannot be reached, or the cost of its route. */
export function containerMessage(container: ListedContainer, now: number): string {
  const { name, state, details } = container;
  if (state === REMOVED) return `${name} was removed`;
  if (!isRunning(container)) return `${endOf(container, now)}: its layers and volumes can be read`;
  if (details === undefined) return "";
  // Without an obstacle it has ended, and the engine's list does not say so yet.
  if (details.route === undefined) return details.obstacles.at(-1) ?? `${name} has ended`;
  const because = details.obstacles.length > 0 ? ` (${details.obstacles.join("; ")})` : "";
  if (details.route === "sidecar") return `a sidecar will be started beside ${name}${because}`;
  return details.route === "mount" ? `the agent that ${name} has mounted will be started in it${because}` : "";
}

/** Says why a container that is not running has no processes to show. */
export function noProcessesMessage(container: ListedContainer, now: number): string {
  if (container.state === REMOVED) return containerMessage(container, now);
  return `no processes to show: ${endOf(container, now)}`;
}

/**
 * Formats published ports and their container ports: `8080→80`, `53→53/udp`. Omits unpublished
 * ports.
 */
export function portsText(ports: readonly ContainerPort[]): string {
  return ports
    .filter(({ published }) => published > 0)
    .map(({ published, port, protocol }) => `${published}→${port}${protocol === "tcp" ? "" : `/${protocol}`}`)
    .join(" ");
}

function itemOf(container: ListedContainer, within?: string): ContainerItem {
  const { name, image, service, project } = container;
  const labels = stateLabels(container).map(({ text }) => text);
  const text = [name, project, service, image, container.state, ...labels, portsText(container.ports)].join(" ");
  return { key: containerKey(container), text, within, container };
}

function titleOf([first]: readonly ListedContainer[]): string {
  if (first === undefined || first.project === "") return "no project";
  return `${first.project} (${first.engine.isCri ? "Kubernetes" : "Compose"})`;
}

/** A namespace and a Compose project with the same name are separate groups. */
function groupOf({ project, engine }: ListedContainer): string {
  return engine.isCri ? `${project} pods` : project;
}

/** Sorts by name, containers without a project last. */
function order(a: string, b: string): number {
  if (a === "" || b === "") return a === b ? 0 : a === "" ? 1 : -1;
  return a < b ? -1 : 1;
}

/** Counts the states of a group: `3 running, 1 exited`. */
function summary(members: readonly ListedContainer[]): string {
  const counts = new Map<string, number>();
  for (const { state } of members) counts.set(state || "unknown", (counts.get(state || "unknown") ?? 0) + 1);
  return [...counts].map(([state, count]) => `${count} ${state}`).join(", ");
}

function stateCell(container: ListedContainer, theme: Theme): Cell {
  return stateLabels(container).map(({ text, tone }, index) => ({
    text: index === 0 ? text : `, ${text}`,
    style: theme[tone],
  }));
}

function upCell(container: ListedContainer, now: number, theme: Theme): Cell {
  const began = stateBegan(container);
  if (began === undefined) return "";
  return isRunning(container) ? duration(now - began) : { text: relativeTime(began, now), style: theme.dim };
}

function sparklineCell(draw: typeof cpuSparkline, samples: readonly ContainerUsage[], theme: Theme): Cell {
  return samples.length === 0 ? "" : { text: draw(samples, SPARKLINE), style: theme.accent };
}

function routeText(container: ListedContainer): string {
  if (!isRunning(container)) return "-";
  return container.details === undefined ? "..." : (container.details.route ?? "none");
}

/** Describes the end of a container: `web: exited 137, OOM killed, 3 min ago, after 5 restarts`. */
function endOf(container: ListedContainer, now: number): string {
  const { name, details } = container;
  const began = stateBegan(container);
  const restarts = details?.restarts ?? 0;
  return `${name}: ${[
    ...stateLabels(container).map(({ text }) => text),
    ...(details?.error ? [details.error] : []),
    ...(began === undefined ? [] : [relativeTime(began, now)]),
    ...(restarts > 0 ? [`after ${restarts} ${restarts === 1 ? "restart" : "restarts"}`] : []),
  ].join(", ")}`;
}
