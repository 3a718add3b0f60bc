import { inject, type TestContext } from "vitest";
import type { Engine } from "./engine.ts";
import { rootlessUid } from "./machine.ts";
import type { Result, RunOptions, User } from "./porthole.ts";

/** One line of docs/compatibility.md, as a test saw it. */
export interface CompatibilityRow {
  /** A heading of the page: see compatibility-reporter.ts. */
  section: Section;
  situation: string;
  /** Engine or runtime with its version. */
  on: string;
  /** Which user of this machine. */
  as: string;
  command: string;
  outcome: string;
}

declare module "vitest" {
  interface TaskMeta {
    compatibility?: CompatibilityRow[];
  }
}

/** Headings of the page, in its order. */
export const sections = [
  "Containers",
  "States and changes",
  "Engines",
  "Compose",
  "Host users",
  "Without an engine's API",
  "Devices",
  "Other kernels and machines",
  "Faults",
] as const;
export type Section = (typeof sections)[number];

export interface Witness {
  section: Section;
  situation: string;
  /** An engine, or the name and version of what made the target. */
  on: Engine | string;
  by: User;
  args: readonly string[];
  /** What the page says instead of what only this run has: `{ [target.name]: "web" }`. */
  names: Record<string, string>;
  options?: RunOptions;
}

/** Runs a command and puts it, with its outcome, on docs/compatibility.md: the test decides whether that was right. */
export async function witness(context: Pick<TestContext, "task">, what: Witness): Promise<Result> {
  const result = await what.by.run(what.args, what.options);
  await note(context, { ...what, command: `porthole ${what.args.join(" ")}`, outcome: outcomeOf(result) });
  return result;
}

/** Puts on the page what a test saw in a way of its own. */
export async function note(
  { task }: Pick<TestContext, "task">,
  { section, situation, on, by, command, outcome, names }: Omit<Witness, "args"> & { command: string; outcome: string },
): Promise<void> {
  const shown = (text: string) => plain(text.replace(/ --trace\b/, ""), names);
  task.meta.compatibility ??= [];
  task.meta.compatibility.push({
    section,
    situation,
    on: typeof on === "string" ? on : await engineVersion(on),
    as: by.uid === 0 ? "root" : by.uid === rootlessUid() ? "rootless user" : "ordinary user",
    command: shown(command),
    outcome: shown(outcome),
  });
}

function outcomeOf({ code, signal, text, stderr }: Result): string {
  if (code !== 0) return `status ${code ?? signal}: ${stderr.trim().replace(/^porthole: /, "")}`;
  const route = /^route (\w+)/m.exec(stderr)?.[1];
  const line = text.split("\n")[0] ?? "";
  const said = line === "" ? "nothing, status 0" : `\`${line.slice(0, 80)}\``;
  return route === undefined ? said : `${said} by route ${route}`;
}

/** Text without what differs from run to run. */
function plain(text: string, names: Record<string, string>): string {
  let shown = text;
  for (const [name, instead] of Object.entries(names)) shown = shown.replaceAll(name, instead);
  return shown
    .replace(/\b[0-9a-f]{64}\b/g, "ID")
    .replace(/\/tmp\/pt-[^\s:)',]+/g, "…")
    .replace(/\bpid:\d+/g, "pid:N")
    .replace(/\bprocess \d+/g, "process N");
}

const titles: Record<Engine["name"], string> = {
  docker: "Docker",
  remappedDocker: "Docker, userns-remap",
  podman: "Podman",
  rootlessDocker: "rootless Docker",
  rootlessPodman: "rootless Podman",
};

const versions = new Map<string, Promise<string>>();

/**
 * Major and minor version: a distribution's fixes change the rest under the same page. An engine of
 * scripts/current-engines.sh is another one every few weeks, so its rows have no version.
 */
function engineVersion({ name, socket, api }: Engine): Promise<string> {
  const { title } = inject("machine");
  if (title !== undefined) return Promise.resolve(title);
  let version = versions.get(socket);
  if (version === undefined) {
    version = api.version().then(({ Version }) => {
      const [kind = "", ...traits] = titles[name].split(", ");
      return [`${kind} ${Version.split(".").slice(0, 2).join(".")}`, ...traits].join(", ");
    });
    versions.set(socket, version);
  }
  return version;
}
