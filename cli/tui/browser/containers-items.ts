import type { ContainersState, ListedContainer } from "../../../src/engines/index.ts";
import type { Theme } from "../canvas/theme.ts";
import type { ListItem } from "../lists/list.ts";
import type { Column } from "../lists/table.ts";

/** A line of the list of containers. */
export interface ContainerItem extends ListItem {
  container: ListedContainer | undefined;
}

/**
 * Lines for the containers, those of one Compose project together under its name; running ones
 * first.
 */
export function containerItems(state: ContainersState, options: { stopped: boolean }): ContainerItem[] {
  const shown = state.containers.filter((one) => options.stopped || isRunning(one));
  const projects = [...new Set(shown.map(({ project }) => project))].sort((a, b) => order(a, b));
  return projects.flatMap((project) => {
    const members = shown
      .filter((one) => one.project === project)
      .sort((a, b) => Number(isRunning(b)) - Number(isRunning(a)) || (a.name < b.name ? -1 : 1));
    const isHeaded = projects.length > 1 || project !== "";
    const title = project === "" ? "no project" : `${project} (Compose)`;
    const heading = { key: `project ${project}`, text: title, heading: true, container: undefined };
    return [...(isHeaded ? [heading] : []), ...members.map(itemOf)];
  });
}

/** Containers that `items` leaves out because they do not run. */
export function stoppedCount(state: ContainersState): number {
  return state.containers.filter((one) => !isRunning(one)).length;
}

export function containerColumns(
  theme: Theme,
  options: { engines: boolean; now: () => number },
): Column<ContainerItem>[] {
  const of =
    <T>(read: (container: ListedContainer) => T, otherwise: T) =>
    (item: ContainerItem) =>
      item.container === undefined ? otherwise : read(item.container);
  return [
    {
      title: "NAME",
      cell: of((one) => ({ text: one.name, style: isRunning(one) ? "1" : theme.dim }), { text: "", style: "" }),
      most: 40,
    },
    {
      title: "STATE",
      cell: of((one) => ({ text: one.state, style: stateStyle(one, theme) }), { text: "", style: "" }),
      most: 12,
    },
    { title: "UP", cell: of((one) => uptime(one, options.now()), ""), align: "right", dispensable: 2 },
    { title: "ROUTE", cell: of((one) => routeText(one), ""), dispensable: 1 },
    ...(options.engines
      ? [
          {
            title: "ENGINE",
            cell: of((one) => one.engine.name, ""),
            most: 20,
            dispensable: 3,
          } satisfies Column<ContainerItem>,
        ]
      : []),
    { title: "IMAGE", cell: of((one) => ({ text: one.image, style: theme.dim }), { text: "", style: "" }), rest: true },
  ];
}

/** What is to be said of a container: why it cannot be reached, or what its route costs. */
export function containerMessage(container: ListedContainer): string {
  const { name, state, status, details } = container;
  if (!isRunning(container)) return `${name} is not running (${status || state}): its layers and volumes can be read`;
  if (details === undefined) return "";
  if (details.route === undefined) return details.obstacles.at(-1) ?? "could not attach by any route";
  const because = details.obstacles.length > 0 ? ` (${details.obstacles.join("; ")})` : "";
  if (details.route === "sidecar") return `a sidecar will be started beside ${name}${because}`;
  return details.route === "mount" ? `the agent that ${name} has mounted will be started in it${because}` : "";
}

export function isRunning({ state }: ListedContainer): boolean {
  return state === "running" || state === "paused";
}

function itemOf(container: ListedContainer): ContainerItem {
  const { engine, id, name, image, state, service, project } = container;
  return { key: `${engine.socketPath} ${id}`, text: [name, project, service, image, state].join(" "), container };
}

/** By name, containers without a project last. */
function order(a: string, b: string): number {
  if (a === "" || b === "") return a === b ? 0 : a === "" ? 1 : -1;
  return a < b ? -1 : 1;
}

function stateStyle({ state }: ListedContainer, theme: Theme): string {
  if (state === "running") return theme.good;
  return state === "paused" || state === "restarting" ? theme.warning : theme.dim;
}

function routeText(container: ListedContainer): string {
  if (!isRunning(container)) return "-";
  return container.details === undefined ? "..." : (container.details.route ?? "none");
}

function uptime({ details }: ListedContainer, now: number): string {
  return details?.started === undefined ? "" : duration(Math.max(0, now - details.started) / 1000);
}

/** Seconds as people say them, in the largest unit that fits: `42 s`, `17 min`, `3 h`, `12 d`. */
function duration(seconds: number): string {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}
