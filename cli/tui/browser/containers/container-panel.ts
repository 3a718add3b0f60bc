import type { ContainerUsage, ListedContainer } from "../../../../src/engines/index.ts";
import { humanSize } from "../../../ls/sizes.ts";
import type { Rectangle } from "../../canvas/layout.ts";
import { duration, relativeTime } from "../../connection/durations.ts";
import { isRunning, REMOVED, stateBegan, stateLabels, UNREACHABLE } from "../../connection/state-labels.ts";
import type { Chart, Fact, FactRow, PanelState, StyledText } from "../../view/panel.ts";
import type { Found } from "./container-watch.ts";
import type { LogFile } from "./log-files.ts";
import { cpuText, memoryText } from "./usage-text.ts";

export interface ContainerPanelOptions {
  /** Usage samples, oldest first. */
  usage: readonly ContainerUsage[];
  found: Found;
  /** Milliseconds since 1970. */
  now: number;
  /** Keys that show the whole output and open the files. */
  keys: { output: string; open: string };
  /** True if the containers belong to several engines. */
  areSeveralEngines: boolean;
}

/** Returns the panel with details of a container. */
export function containerPanel(container: ListedContainer, at: Rectangle, options: ContainerPanelOptions): PanelState {
  const { usage, found, keys } = options;
  return {
    ...at,
    title: container.name,
    summary: stateLabels(container).flatMap(({ text, tone }, index) => [
      { text: index === 0 ? text : `, ${text}`, tone },
    ]),
    facts: facts(container, options).filter(({ rows }) => rows.length > 0),
    charts: charts(usage),
    lines: {
      title: "OUTPUT",
      // The output of a removed container is gone.
      hint: container.state === REMOVED ? "" : `${keys.output} shows all`,
      lines: found.lines ?? [],
      note: noteOf(container, found),
    },
  };
}

/**
 * Returns the panel of a folded group: its name, and the number of its containers in each state.
 */
export function groupPanel(
  { text, note = "" }: { text: string; note?: string | undefined },
  at: Rectangle,
): PanelState {
  return { ...at, title: text, summary: [{ text: note, tone: "dim" }], facts: [], charts: [], lines: undefined };
}

function facts(container: ListedContainer, { found, now, keys, areSeveralEngines }: ContainerPanelOptions): Fact[] {
  const { image, details, engine, project, service } = container;
  return [
    { label: "IMAGE", rows: textRow(image) },
    { label: "ENGINE", rows: areSeveralEngines ? textRow(engine.name) : [] },
    { label: engine.isCri ? "POD" : "SERVICE", rows: service && project ? textRow(`${service} of ${project}`) : [] },
    { label: isRunning(container) ? "UP" : "ENDED", rows: sinceRow(container, now) },
    {
      label: "RESTARTS",
      rows: details?.restarts ? [{ texts: [{ text: String(details.restarts), tone: "warning" }] }] : [],
    },
    { label: "ERROR", rows: details?.error ? [{ texts: [{ text: details.error, tone: "bad" }] }] : [] },
    { label: "ROUTE", rows: routeRows(container) },
    { label: "PORTS", rows: portRows(container) },
    { label: "MOUNTS", rows: mountRows(container) },
    { label: "LOG FILES", rows: logRows(container, found.logFiles, now, keys.open) },
  ];
}

function textRow(text: string): FactRow[] {
  return text === "" ? [] : [{ texts: [{ text }] }];
}

function sinceRow(container: ListedContainer, now: number): FactRow[] {
  const began = stateBegan(container);
  if (began === undefined) return [];
  return textRow(isRunning(container) ? duration(now - began) : relativeTime(began, now));
}

/** The route to the files, and why routes before it are not available. */
function routeRows(container: ListedContainer): FactRow[] {
  const { details } = container;
  if (container.state === REMOVED || container.state === UNREACHABLE) return [];
  if (!isRunning(container)) return [{ texts: [{ text: "layers and volumes", tone: "dim" }] }];
  if (details === undefined) return [];
  const first: StyledText = details.route === undefined ? { text: "none", tone: "bad" } : { text: details.route };
  return [{ texts: [first] }, ...details.obstacles.map((text) => ({ texts: [{ text, tone: "dim" as const }] }))];
}

/** Rows of ports, published ports first. */
function portRows({ ports }: ListedContainer): FactRow[] {
  const published = ports.filter((one) => one.published > 0).map((one) => `${one.published}→${portOf(one)}`);
  const others = ports.filter((one) => one.published === 0).map(portOf);
  if (published.length + others.length === 0) return [];
  const rest = others.length === 0 ? "" : `${published.length > 0 ? " " : ""}${others.join(" ")}`;
  return [
    { texts: [{ text: published.join(" ") }, { text: rest, tone: "dim" as const }].filter(({ text }) => text !== "") },
  ];
}

function portOf({ port, protocol }: ListedContainer["ports"][number]): string {
  return protocol === "tcp" || protocol === "" ? String(port) : `${port}/${protocol}`;
}

function mountRows({ details }: ListedContainer): FactRow[] {
  return (details?.mounts ?? []).map(({ destination = "?", source = "", type, name, isReadOnly }) => {
    const from = type === "volume" ? `volume ${name}` : type === "bind" ? source : type;
    return {
      texts: [{ text: destination }, { text: from === "" ? "" : `  ${from}`, tone: "dim" as const }],
      isPath: true,
      ...(isReadOnly && { end: "read-only" }),
    };
  });
}

function logRows(
  container: ListedContainer,
  logFiles: readonly LogFile[] | undefined,
  now: number,
  open: string,
): FactRow[] {
  if (logFiles === undefined) {
    const isClosed =
      isRunning(container) && container.details?.route !== undefined && container.details.route !== "direct";
    return isClosed ? [{ texts: [{ text: `${open} attaches and looks for them`, tone: "dim" }] }] : [];
  }
  if (logFiles.length === 0) return [{ texts: [{ text: "none found", tone: "dim" }] }];
  return logFiles.map(({ path, size, modified }) => ({
    texts: [{ text: path }],
    end: `${humanSize(size)}  ${relativeTime(modified, now)}`,
    isPath: true,
  }));
}

/**
 * Scales charts so that the highest value has full height. For CPU, full height is at least a
 * quarter of a core; memory has a larger minimum.
 */
function charts(usage: readonly ContainerUsage[]): Chart[] {
  if (usage.length === 0) return [];
  const cores = usage.map((one) => one.cores);
  const memory = usage.map((one) => one.memory ?? 0);
  return [
    { label: "CPU", value: cpuText(usage), values: cores, max: Math.max(0.25, ...cores) },
    { label: "MEMORY", value: memoryText(usage), values: memory, max: Math.max(...memory) * 1.3 },
  ];
}

function noteOf(container: ListedContainer, { lines, failure }: Found): string {
  if (failure !== "") return failure;
  if (container.state === REMOVED) return "removed with the container";
  return lines === undefined ? "..." : "no output";
}
