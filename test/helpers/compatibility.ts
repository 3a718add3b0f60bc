import { inject, type TestContext } from "vitest";
import type { Engine } from "./engine.ts";
import { rootlessUid } from "./machine.ts";
import type { Result, RunOptions, User } from "./porthole.ts";

/** One row of docs/compatibility.md, as observed by a test. */
export interface CompatibilityRow {
  /** A heading of the page: see compatibility-reporter.ts. */
  section: Section;
  situation: string;
  /** Engine or runtime with its version. */
  on: string;
  /** The local user who runs the command. */
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
  /** An engine, or the name and version of the program that created the target. */
  on: Engine | string;
  by: User;
  args: readonly string[];
  /** Replacements for values of this run: `{ [target.name]: "web" }`. */
  names: Record<string, string>;
  options?: RunOptions;
}

/**
 * Runs a command and adds it with its outcome to docs/compatibility.md. The test checks the
 * outcome.
 */
export async function witness(context: Pick<TestContext, "task">, what: Witness): Promise<Result> {
  const result = await what.by.run(what.args, what.options);
  await note(context, { ...what, command: `porthole ${what.args.join(" ")}`, outcome: outcomeOf(result) });
  return result;
}

/** Adds a test's observation to the page. */
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

/** Removes the values that differ between runs. */
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
 * Returns the major and minor version: the patch version changes with the distribution's updates.
 * An engine of scripts/current-engines.sh changes every few weeks, so its rows have no version.
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
