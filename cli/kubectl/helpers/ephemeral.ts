import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AGENT_IN_IMAGE, type Place } from "../../../src/elsewhere/index.ts";
import { PortholeError } from "../../../src/errors.ts";
import { complain, printable } from "../../io/fail.ts";
import type { Interrupt } from "../../io/interrupt.ts";
import { kubectl, reasonIn } from "../calls/kubectl.ts";
import type { Places } from "../calls/surroundings.ts";
import type { Request } from "../command-line/arguments.ts";
import { isNamed } from "../pods/plan.ts";
import { remedyFor } from "./container-state.ts";
import { type DebugAttempt, debugAttempts } from "./debug-attempts.ts";
import { type DebuggedPod, debuggedPod, type EphemeralContainer } from "./debugged-pod.ts";
import { IDLE_S } from "./helper-pod.ts";
import { inPod } from "./in-pod.ts";
import { kubectlPlace } from "./kubectl-place.ts";

/** Maximum milliseconds for the start of an ephemeral container, including the image pull. */
const START_MS = 120_000;
const LOOK_MS = 500;
/**
 * Maximum number of containers that one run adds to a pod. A restart of the target ends its
 * ephemeral containers, and a follow then adds another one. Entries of a pod cannot be removed.
 */
const MAX_ADDED = 3;

/** Ephemeral containers of porthole, each in the PID namespace of the container that it reads. */
export class EphemeralContainers implements Places {
  readonly #request: Request;
  readonly #interrupt: Interrupt;
  /** Number of containers that this run has added, by pod. */
  readonly #added = new Map<string, number>();

  constructor(request: Request, interrupt: Interrupt) {
    [this.#request, this.#interrupt] = [request, interrupt];
  }

  /** Does nothing: {@link on} reads the state of the pod. */
  async find(): Promise<void> {}

  /** Does nothing: Kubernetes cannot remove an ephemeral container. It ends when it is idle. */
  async close(): Promise<void> {}

  /**
   * Returns an ephemeral container of a pod as a place. Adds one if none is running.
   * @param where `NAMESPACE/POD`
   * @throws PortholeError USAGE, TARGET or ATTACH, with the remedy
   */
  async on(where: string): Promise<Place> {
    const before = await this.#describe(where);
    const target = before.target(this.#containerOf(nameOf(where)));
    const running = before.ephemeral.find((one) => one.isRunning && this.#isOurs(one, target));
    const container = running?.name ?? (await this.#add(before, target));
    const pod = running === undefined ? await this.#describe(where) : before;
    this.#checkScreen(pod, container);
    const place = kubectlPlace(
      `the pod ${where}`,
      { namespace: namespaceOf(where), pod: nameOf(where), container },
      { kubectl: this.#request.kubectl, interrupt: this.#interrupt, lost: (reason) => lostPod(where, reason) },
    );
    return inPod(place, pod);
  }

  #containerOf(pod: string): string | undefined {
    const targets = this.#request.parts.flatMap((part) => ("target" in part ? [part.target] : []));
    const ofPod = targets.filter((one) => isNamed(one, pod));
    const containers = new Set(ofPod.map(({ container }) => container));
    if (containers.size > 1)
      throw new PortholeError("USAGE", `--ephemeral reads one container of a pod, not ${containers.size} of ${pod}`, {
        hint: "run a command for each container",
      });
    return [...containers][0];
  }

  #isOurs({ name, image, target }: EphemeralContainer, wanted: string): boolean {
    const { profile } = this.#request;
    return target === wanted && image === this.#request.image && name.startsWith(prefixOf(profile ?? ""));
  }

  async #describe(where: string): Promise<DebuggedPod> {
    const args = ["get", "pod", "-n", namespaceOf(where), nameOf(where), "-o", "json"];
    return debuggedPod(await kubectl([...this.#request.kubectl, ...args], `read the pod ${where}`));
  }

  async #add(pod: DebuggedPod, target: string): Promise<string> {
    const image = this.#request.image ?? "";
    const count = (this.#added.get(pod.name) ?? 0) + 1;
    if (count > MAX_ADDED)
      throw new PortholeError("ATTACH", `ephemeral containers of the pod ${pod.name} ended ${MAX_ADDED} times`, {
        hint: `kubectl describe pod -n ${pod.name.replace("/", " ")} shows why`,
      });
    const name = await this.#debug(pod, target, debugAttempts(pod, target, this.#request.profile));
    this.#added.set(pod.name, count);
    complain(
      printable(
        `added the ephemeral container ${name} to the pod ${pod.name}: it ends after ${IDLE_S / 60} minutes without a command; its entry remains until the pod is removed`,
      ),
    );
    const end = performance.now() + START_MS;
    for (let reason = ""; ; await this.#interrupt.orEnd(sleep(LOOK_MS))) {
      const found = (await this.#describe(pod.name)).ephemeral.find((one) => one.name === name);
      if (found?.isRunning) return name;
      reason = found?.reason ?? reason;
      if (found?.hasFailed || performance.now() > end) throw notStarted(pod.name, image, reason);
    }
  }

  /** Calls `kubectl debug`; returns the new name. A refused call adds nothing to the pod. */
  async #debug(pod: DebuggedPod, target: string, attempts: readonly DebugAttempt[]): Promise<string> {
    const [{ profile, custom } = { profile: "" }, ...others] = attempts;
    const name = `${prefixOf(profile)}${randomBytes(3).toString("hex")}`;
    const where = ["debug", "-n", namespaceOf(pod.name), nameOf(pod.name), "--quiet", "--target", target, "-c", name];
    const image = ["--image", this.#request.image ?? "", "--image-pull-policy", "IfNotPresent", "--profile", profile];
    const command = ["--", AGENT_IN_IMAGE, "helper", "--idle", String(IDLE_S)];
    const call = (custom: readonly string[]) =>
      kubectl(
        [...this.#request.kubectl, ...where, ...image, ...custom, ...command],
        `add an ephemeral container to the pod ${pod.name}`,
      );
    try {
      if (custom === undefined) await call([]);
      else await withFile(JSON.stringify(custom), (file) => call(["--custom", file]));
      return name;
    } catch (error) {
      const isOfProfile = error instanceof PortholeError && /violates PodSecurity/.test(error.message);
      if (!isOfProfile || others.length === 0) throw error;
      return await this.#debug(pod, target, others);
    }
  }

  /**
   * A screen controls this machine's terminal, so no process of the target may change what it
   * prints.
   */
  #checkScreen(pod: DebuggedPod, container: string): void {
    const { command } = this.#request;
    if ((command !== "open" && command !== "browse") || pod.isProtected(container)) return;
    throw new PortholeError("ATTACH", `${command} is not available: ${pod.name} may control its ephemeral container`, {
      hint: "use tail -F, cat or ls, or a helper pod: omit --ephemeral",
    });
  }
}

/**
 * Checks the options for ephemeral containers. A pod's output needs the runtime of its node.
 * @throws PortholeError USAGE
 */
export function checkEphemeral({ parts, image, command }: Request): void {
  if (image === undefined)
    throw new PortholeError("USAGE", "--ephemeral needs --image IMAGE", {
      hint: "an image of porthole that the node can pull: porthole image --tag IMAGE | docker load, then docker push IMAGE",
    });
  for (const part of parts) {
    if (!("target" in part) || !part.target.path.startsWith(":@")) continue;
    const name = part.target.pod ?? "POD";
    throw new PortholeError("USAGE", `--ephemeral cannot read the output of ${name}`, {
      hint: `use kubectl logs${command === "tail" ? " -f" : ""} ${name}`,
    });
  }
}

/** Calls `use` with a temporary file that only this user can read. */
async function withFile<T>(text: string, use: (file: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), "porthole-"));
  try {
    const file = join(directory, "custom.json");
    writeFileSync(file, text);
    return await use(file);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Returns the prefix of a container's name. @param profile empty for any */
function prefixOf(profile: string): string {
  return profile === "" ? "porthole-" : `porthole-${profile}-`;
}

function namespaceOf(where: string): string {
  return where.split("/", 1)[0] ?? "";
}

function nameOf(where: string): string {
  return where.split("/")[1] ?? "";
}

function lostPod(pod: string, reason: string): PortholeError {
  const why = reasonIn(reason) || "the connection ended";
  return new PortholeError("SESSION", `lost the pod ${pod}: ${why}`, {
    hint: `kubectl describe pod -n ${pod.replace("/", " ")} shows its state`,
  });
}

function notStarted(pod: string, image: string, reason: string): PortholeError {
  const why = reason || "Kubernetes reports no reason";
  return new PortholeError("ATTACH", `the ephemeral container of the pod ${pod} does not start: ${why}`, {
    hint: remedyFor(reason, image, `kubectl describe pod -n ${pod.replace("/", " ")} shows more`),
  });
}
