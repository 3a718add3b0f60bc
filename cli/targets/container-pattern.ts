import { PortholeError } from "../../src/errors.ts";
import { parseTarget } from "../../src/target.ts";

/** A selection of containers by name and label, and a path or output in each of them. */
export interface ContainerPattern {
  /** The pattern as the user wrote it. */
  text: string;
  /** Glob of Compose projects; undefined matches all containers, with or without a project. */
  project: string | undefined;
  /**
   * Glob of container names. With a project, also of its service names, with or without replica
   * numbers.
   */
  name: string;
  /** The part after the colon: a path, or an output such as `@logs`. */
  rest: string;
  /** A container must have all of these labels. */
  labels: readonly Label[];
  /**
   * The pods; set for pods of a Kubernetes node. `project` is then a glob of namespaces, and `name`
   * a glob of pods.
   */
  pods?: PodPattern;
}

/** Selects containers in each matching pod. */
export interface PodPattern {
  /**
   * Glob of container names; undefined selects the running ones, or the pod's default container.
   */
  container: string | undefined;
}

/** `--label KEY[=VALUE]`. */
export interface Label {
  key: string;
  /** The value of the label; undefined matches any value. */
  value: string | undefined;
}

/**
 * Parses `'web-*:/path'`, `'shop/*:@logs'`. With labels, every target selects containers:
 * `web:/path`, and `/path` or `@logs` for all containers with the labels. `'pod:shop/web-*:/path'`
 * and `pod:shop/app=web:/path` select pods. Returns undefined for a target of at most one
 * container.
 * @throws PortholeError USAGE
 */
export function parsePattern(text: string, labels: readonly Label[]): ContainerPattern | undefined {
  // Most targets. A regular expression that is used once takes longer than all of this.
  if (labels.length === 0 && !text.startsWith("pod:") && !isGlob(text)) return undefined;
  const pod = POD.exec(text);
  if (pod !== null) return podPattern({ text, rest: pod[2] ?? "", labels }, pod[1] ?? "");
  const hasLabels = labels.length > 0;
  const [, project, name = "", rest = ""] = (/^(image|volume|pid):(?!\/)/.test(text) ? null : PATTERN.exec(text)) ?? [];
  if (name === "") {
    if (!hasLabels) return undefined;
    if (!/^[/@]/.test(text)) throw notOfContainers(text);
    return checked({ text, project: undefined, name: "*", rest: text, labels });
  }
  // A local path may have a colon after a slash.
  if (project !== undefined && !/^[/@]/.test(rest)) return undefined;
  if (!hasLabels && !isGlob(name) && !isGlob(project ?? "")) return undefined;
  return checked({ text, project, name, rest, labels });
}

/** Parses a pattern as {@link parsePattern} does, but needs no path: `'web-*'`, `'shop/*'`. */
export function parseSessionPattern(text: string, labels: readonly Label[]): ContainerPattern | undefined {
  const isWithoutPath = /^(pod:(?![/@]))?[^:]*$/.test(text) && !text.startsWith("/");
  const pattern = parsePattern(isWithoutPath ? `${text}:/` : text, labels);
  return pattern && { ...pattern, text };
}

/**
 * True for a name that is a pattern. A backslash is an ordinary character: names contain no
 * characters that need quoting.
 */
export function isGlob(name: string): boolean {
  return name.includes("*") || name.includes("?") || name.includes("[");
}

/** @throws PortholeError USAGE */
export function parseLabel(text: string): Label {
  const [, key = "", value] = /^([^=]+)(?:=(.*))?$/s.exec(text) ?? [];
  if (key === "") {
    throw new PortholeError("USAGE", `--label '${text}' has no key`, { hint: "write --label KEY or KEY=VALUE" });
  }
  return { key, value };
}

/** Characters of names, and of globs. */
const NAME = String.raw`[A-Za-z0-9*?[][\w.*?[\]!^-]*`;
const PATTERN = new RegExp(`^(?:(${NAME})/)?(${NAME}):(.*)$`, "s");

/** Must match the rule in target.ts. */
const POD = /^pod:(?![/@])(.*?):([/@].*)$/s;
const PARTS = new RegExp(`^(?:(${NAME})/)?(${NAME})(?:/(${NAME}))?$`);
/** A label's prefix contains a dot, unlike a namespace: `app.kubernetes.io/name=web`. */
const SELECTOR = new RegExp(
  String.raw`^(?:([A-Za-z0-9*?-]+)/)?((?:[\w.-]+/)?[\w.-]+=[^/]*?(?:,(?:[\w.-]+/)?[\w.-]+=[^/]*?)*)(?:/(${NAME}))?$`,
);

/**
 * Parses `[NAMESPACE/]POD[/CONTAINER]` with globs, `[NAMESPACE/]KEY=VALUE[,KEY=VALUE][/CONTAINER]`.
 */
function podPattern(
  pattern: Pick<ContainerPattern, "text" | "rest" | "labels">,
  name: string,
): ContainerPattern | undefined {
  const { text, labels } = pattern;
  if (name.includes("=")) {
    const [, project, selector, container] = SELECTOR.exec(name) ?? [];
    if (selector === undefined) {
      throw new PortholeError("USAGE", `invalid selector in '${text}'`, {
        hint: "write pod:[NAMESPACE/]KEY=VALUE[,KEY=VALUE][/CONTAINER]:/path",
      });
    }
    const selected = [...labels, ...selector.split(",").map(parseLabel)];
    return checked({ ...pattern, project, name: "*", labels: selected, pods: { container } });
  }
  if (labels.length === 0 && !isGlob(name)) return undefined;
  const [, project, pod, container] = PARTS.exec(name) ?? [];
  return pod === undefined ? undefined : checked({ ...pattern, project, name: pod, pods: { container } });
}

function checked(pattern: ContainerPattern): ContainerPattern {
  if (pattern.rest === "") {
    throw new PortholeError("USAGE", `'${pattern.text}' has no path`, {
      hint: `write for example '${pattern.text}/etc/hostname'`,
    });
  }
  parseTarget(`CONTAINER:${pattern.rest}`);
  return pattern;
}

function notOfContainers(text: string): PortholeError {
  return new PortholeError("USAGE", `'${text}' is not in a container, but --label selects containers`, {
    hint: "write '*:/path', or /path or @logs alone",
  });
}
