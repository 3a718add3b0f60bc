import { PortholeError } from "../../errors.ts";
import { commandOf, engines, START_ENGINE } from "./engine.ts";
import type { Engine } from "./engine-address.ts";

/** Kinds of objects that an engine knows by name. */
export type ObjectKind = "container" | "image" | "volume" | "pod";

/** No engine that responded has the object. */
export class NotFoundError extends PortholeError {
  /** False if an engine did not respond, so that it may have the object. */
  isCertain = true;
}

/** True if every engine responded that it has no object of the name. */
export function isNotFound(error: unknown): boolean {
  return error instanceof NotFoundError && error.isCertain;
}

/** Several objects of one engine match the name. */
export class AmbiguousNameError extends PortholeError {}

/**
 * Asks every engine for an object and returns the first result. Engines that return the same id
 * count as one.
 * @param explicit `--engine`, or the engines to ask
 * @param inspect resolves with undefined if an engine has no such object
 * @throws PortholeError TARGET if no engine has the object, several have different ones, or no
 * engine responds; CANCELLED
 */
export async function askEngines<T extends { id: string; name: string }>(
  kind: ObjectKind,
  name: string,
  explicit: string | undefined | readonly Engine[],
  inspect: (engine: Engine) => Promise<T | undefined>,
): Promise<{ engine: Engine; answer: T }> {
  const asked = typeof explicit === "object" ? explicit : engines(explicit);
  if (asked.length === 0) {
    throw new PortholeError("TARGET", `cannot look up '${name}': no socket of Docker or Podman found`, {
      hint: `${START_ENGINE}, or use pid:N:PATH`,
    });
  }
  const answers = await Promise.allSettled(asked.map(inspect));
  const found: { engine: Engine; answer: T }[] = [];
  const failures: PortholeError[] = [];
  answers.forEach((answer, index) => {
    if (answer.status === "rejected") failures.push(answer.reason as PortholeError);
    // Two sockets may lead to the same engine, for example through a proxy.
    else if (answer.value !== undefined && !found.some((other) => other.answer.id === answer.value?.id)) {
      found.push({ engine: asked[index] as Engine, answer: answer.value });
    }
  });
  const [first, ...others] = found;
  // Another engine's match does not resolve an ambiguity in one engine.
  const unsure = failures.find((error) => error instanceof AmbiguousNameError || error.code === "CANCELLED");
  if (unsure !== undefined) throw unsure;
  if (first === undefined) throw notFound(kind, name, asked, failures);
  if (others.length > 0) {
    const shown = found.map(({ engine, answer }) => `${answer.name || name} in ${engine.name}`);
    const article = kind === "image" ? "an" : "a";
    throw new PortholeError(
      "TARGET",
      `'${name}' is ambiguous: several engines have ${article} ${kind} of that name: ${shown.join(", ")}`,
      {
        hint: `choose an engine, such as --engine ${first.engine.name}`,
      },
    );
  }
  return first;
}

/** The error if no engine has the object. Names the engines that failed. */
function notFound(
  kind: ObjectKind,
  name: string,
  asked: readonly Engine[],
  failures: readonly PortholeError[],
): PortholeError {
  const [failure] = failures;
  if (failure !== undefined && failures.length === asked.length) return failure;
  const where = asked.length === 1 ? "" : ` in ${asked.map((engine) => engine.name).join(", ")}`;
  const unasked = failures.map(({ message }) => `; ${message}`).join("");
  const error = new NotFoundError("TARGET", `no such ${kind}: '${name}'${where}${unasked}`, {
    hint: failure?.hint ?? hintFor(kind, commandOf(asked)),
  });
  error.isCertain = failure === undefined;
  return error;
}

function hintFor(kind: ObjectKind, command: string): string {
  if (kind === "pod") return "run kubectl get pods --all-namespaces --output wide to find its node";
  return `run ${command} ${{ container: "ps", image: "images", volume: "volume ls" }[kind]} to list them`;
}
