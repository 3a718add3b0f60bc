import { PortholeError } from "../errors.ts";
import { type Engine, engines } from "./engine.ts";

/** What engines are asked for by name. */
export type ObjectKind = "container" | "image" | "volume";

/** No engine has it, as far as they answer. */
export class NotFoundError extends PortholeError {
  /** False where an engine did not answer. */
  isCertain = true;
}

/** True where every engine answered that it has none of the name. */
export function isNotFound(error: unknown): boolean {
  return error instanceof NotFoundError && error.isCertain;
}

/** Several things fit the name in one engine. */
export class AmbiguousNameError extends PortholeError {}

/**
 * Asks every engine for what has a name, and tells which one has it: the first of several whose answers have the same id.
 * @param inspect undefined where an engine has none of that name
 * @throws PortholeError TARGET when none has it, several have different ones, or no engine answers; CANCELLED
 */
export async function askEngines<T extends { id: string; name: string }>(
  kind: ObjectKind,
  name: string,
  explicit: string | undefined,
  inspect: (engine: Engine) => Promise<T | undefined>,
): Promise<{ engine: Engine; answer: T }> {
  const asked = engines(explicit);
  if (asked.length === 0) {
    throw new PortholeError(
      "TARGET",
      `no container engine to ask for '${name}': neither Docker's nor Podman's socket is there`,
      {
        hint: "start one, name one with --engine or DOCKER_HOST, or use pid:N:PATH",
      },
    );
  }
  const answers = await Promise.allSettled(asked.map(inspect));
  const found: { engine: Engine; answer: T }[] = [];
  const failures: PortholeError[] = [];
  answers.forEach((answer, index) => {
    if (answer.status === "rejected") failures.push(answer.reason as PortholeError);
    // Two sockets may lead to one engine: through a proxy, say.
    else if (answer.value !== undefined && !found.some((other) => other.answer.id === answer.value?.id)) {
      found.push({ engine: asked[index] as Engine, answer: answer.value });
    }
  });
  const [first, ...others] = found;
  // An ambiguity in one engine is not resolved by another that happens to have one container only.
  const unsure = failures.find((error) => error instanceof AmbiguousNameError || error.code === "CANCELLED");
  if (unsure !== undefined) throw unsure;
  if (first === undefined) throw notFound(kind, name, asked, failures);
  if (others.length > 0) {
    const shown = found.map(({ engine, answer }) => `${answer.name || name} in ${engine.name}`);
    const article = kind === "image" ? "an" : "a";
    throw new PortholeError("TARGET", `'${name}' is ${article} ${kind} of several engines: ${shown.join(", ")}`, {
      hint: `choose one, such as --engine ${first.engine.name}`,
    });
  }
  return first;
}

/** When no engine has it: what could not be asked matters then. */
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
    hint: failure?.hint ?? HINTS[kind],
  });
  error.isCertain = failure === undefined;
  return error;
}

const HINTS = { container: "see docker ps", image: "see docker images", volume: "see docker volume ls" } as const;
